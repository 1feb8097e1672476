// The workspace. It uses its storage with identities; the service gives its own identity the roles it needs.
param location string
param name string
param storageId string
param keyVaultId string
param containersId string
param insightsId string
param outbound string
@allowed([
  'Enabled'
  'Disabled'
])
param publicAccess string

// Cost: none of its own; the managed network costs by the private endpoint and hour, and by the firewall if outbound
// is AllowOnlyApprovedOutbound.
resource workspace 'Microsoft.MachineLearningServices/workspaces@2025-12-01' = {
  //checkov:skip=CKV_AZURE_243:It has one without public access, in network.bicep
  name: name
  location: location
  kind: 'Default'
  sku: {
    name: 'Basic'
    tier: 'Basic'
  }
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    friendlyName: name
    storageAccount: storageId
    keyVault: keyVaultId
    containerRegistry: containersId
    applicationInsights: insightsId
    systemDatastoresAuthMode: 'Identity'
    v1LegacyMode: false
    publicNetworkAccess: publicAccess
    managedNetwork: {
      isolationMode: outbound
    }
  }
}

output id string = workspace.id
output name string = workspace.name
// The service names the container of workspaceblobstore after the workspace's own id.
output defaultContainer string = 'azureml-blobstore-${workspace.properties.workspaceId}'
