// Secrets of the workspace's connections. Rights come from roles, not from access policies.
param location string
param name string
@allowed([
  'Enabled'
  'Disabled'
])
param publicAccess string

var byDefault = publicAccess == 'Disabled' ? 'Deny' : 'Allow'

// Cost: by the ten thousand operations; close to nothing for a workspace.
resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  //checkov:skip=CKV_AZURE_109:Denied without public access, which is a parameter
  //checkov:skip=CKV_AZURE_189:Disabled without public access, which is a parameter
  name: name
  location: location
  properties: {
    tenantId: subscription().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    enablePurgeProtection: true
    publicNetworkAccess: publicAccess
    networkAcls: {
      defaultAction: byDefault
      bypass: 'AzureServices'
    }
  }
}

output id string = vault.id
output name string = vault.name
