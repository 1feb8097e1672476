// Images of the environments that jobs and endpoints run in; the workspace builds them.
param location string
param name string
@allowed([
  'Enabled'
  'Disabled'
])
param publicAccess string

// Cost: by the day; Premium, which private endpoints need, several times as much as Standard.
resource registry 'Microsoft.ContainerRegistry/registries@2025-04-01' = {
  //checkov:skip=CKV_AZURE_139:Disabled without public access, which is a parameter
  //checkov:skip=CKV_AZURE_166:The workspace builds the images; nobody is there to release them from quarantine
  //checkov:skip=CKV_AZURE_163:Defender for Cloud scans images; it is switched on for a subscription, not for a registry
  name: name
  location: location
  sku: {
    name: publicAccess == 'Disabled' ? 'Premium' : 'Standard'
  }
  properties: {
    adminUserEnabled: false
    anonymousPullEnabled: false
    publicNetworkAccess: publicAccess
    networkRuleBypassOptions: 'AzureServices'
  }
}

output id string = registry.id
output name string = registry.name
