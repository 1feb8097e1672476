// The workspace's storage: landing files, what jobs write, models. No keys: who reads or writes has a role.
param location string
param name string
param sku string
param hierarchical bool
param softDeleteDays int
@allowed([
  'Enabled'
  'Disabled'
])
param publicAccess string

var byDefault = publicAccess == 'Disabled' ? 'Deny' : 'Allow'

// Cost: by the gigabyte and month, less in cooler tiers, more for redundant SKUs; and by the ten thousand requests.
resource account 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  //checkov:skip=CKV_AZURE_35:Denied without public access, which is a parameter
  //checkov:skip=CKV_AZURE_59:Disabled without public access, which is a parameter
  //checkov:skip=CKV_AZURE_206:The SKU is a parameter: production is replicated, what can be made again is not
  name: name
  location: location
  kind: 'StorageV2'
  sku: {
    name: sku
  }
  properties: {
    isHnsEnabled: hierarchical
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    publicNetworkAccess: publicAccess
    networkAcls: {
      defaultAction: byDefault
      bypass: 'AzureServices'
    }
  }
}

// Cost: deleted blobs and previous versions are billed as blobs until they are gone; see lifecycle.bicep.
resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' = {
  parent: account
  name: 'default'
  properties: {
    deleteRetentionPolicy: {
      enabled: true
      days: softDeleteDays
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: softDeleteDays
    }
    isVersioningEnabled: true
    changeFeed: {
      enabled: true
      retentionInDays: softDeleteDays
    }
  }
}

// Events that the Logic App did not take within a day. Cost: as any blobs.
resource undelivered 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = {
  parent: blobs
  name: 'undelivered-events'
  properties: {
    publicAccess: 'None'
  }
}

output id string = account.id
output name string = account.name
output undeliveredContainer string = undelivered.name
