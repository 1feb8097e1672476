// The registry that all environments share: a model goes to the next environment through it, as it is.
param location string
param name string

// Cost: of a storage account and a container registry (Premium, by the day), in a group that the service manages.
resource registry 'Microsoft.MachineLearningServices/registries@2025-12-01' = {
  name: name
  location: location
  kind: 'registry'
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    publicNetworkAccess: 'Enabled'
    regionDetails: [
      {
        location: location
        storageAccountDetails: [
          {
            systemCreatedStorageAccount: {
              storageAccountType: 'Standard_LRS'
              storageAccountHnsEnabled: false
              allowBlobPublicAccess: false
            }
          }
        ]
        acrDetails: [
          {
            systemCreatedAcrAccount: {
              acrAccountSku: 'Premium'
            }
          }
        ]
      }
    ]
  }
}
