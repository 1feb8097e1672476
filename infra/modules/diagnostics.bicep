// What each resource logs goes to one place. Cost: by the gigabyte that comes in, see insights.bicep.
param logsId string
param storageName string
param keyVaultName string
param containersName string
param workspaceName string
@description('Whether there is an event path: what Event Grid could not deliver and what the Logic App did with it.')
param withEvents bool
param logicAppName string
param topicName string

var logs = [
  {
    categoryGroup: 'allLogs'
    enabled: true
  }
]

resource storage 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: storageName
}
resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' existing = {
  parent: storage
  name: 'default'
}
resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: keyVaultName
}
resource containers 'Microsoft.ContainerRegistry/registries@2025-04-01' existing = {
  name: containersName
}
resource workspace 'Microsoft.MachineLearningServices/workspaces@2025-12-01' existing = {
  name: workspaceName
}

resource logicApp 'Microsoft.Logic/workflows@2019-05-01' existing = {
  name: logicAppName
}
resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topicName
}

resource ofBlobs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'logs'
  scope: blobs
  properties: {
    workspaceId: logsId
    logs: logs
  }
}
resource ofVault 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'logs'
  scope: vault
  properties: {
    workspaceId: logsId
    logs: logs
  }
}
resource ofContainers 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'logs'
  scope: containers
  properties: {
    workspaceId: logsId
    logs: logs
  }
}
resource ofWorkspace 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'logs'
  scope: workspace
  properties: {
    workspaceId: logsId
    logs: logs
  }
}
resource ofLogicApp 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (withEvents) {
  name: 'logs'
  scope: logicApp
  properties: {
    workspaceId: logsId
    logs: logs
  }
}
resource ofTopic 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (withEvents) {
  name: 'logs'
  scope: topic
  properties: {
    workspaceId: logsId
    logs: logs
  }
}
