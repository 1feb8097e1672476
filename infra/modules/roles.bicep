// Who may do what. Every role assignment is here, each on the smallest thing that does; a test knows the list by heart.
// Cost: none.
param storageName string
param undeliveredContainer string
param containersName string
param workspaceName string
param computePrincipal string
param registerPrincipal string
param eventsPrincipal string
@description('Object id of a group; empty: nobody.')
param dataScientists string

// Ids of built-in roles are the same in every tenant.
var roles = {
  blobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  tableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  queueDataContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  fileDataContributor: '69566ab7-960f-475b-8e7c-b3118f30c6bd'
  imagePull: '7f951dda-4ed3-4680-a7ca-43fe172d538d'
  dataScientist: 'f6c7c914-8db3-469d-8ca1-694a8f32e121'
}

resource storage 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: storageName
}
resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' existing = {
  parent: storage
  name: 'default'
}
resource undelivered 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' existing = {
  parent: blobs
  name: undeliveredContainer
}
resource containers 'Microsoft.ContainerRegistry/registries@2025-04-01' existing = {
  name: containersName
}
resource workspace 'Microsoft.MachineLearningServices/workspaces@2025-12-01' existing = {
  name: workspaceName
}

// Jobs read landing files and write data, models and logs.
resource computeBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(storage.id, computePrincipal, roles.blobDataContributor)
  scope: storage
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.blobDataContributor)
    principalId: computePrincipal
    principalType: 'ServicePrincipal'
  }
}

// Parallel steps keep their mini-batches in tables and queues.
resource computeTables 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(storage.id, computePrincipal, roles.tableDataContributor)
  scope: storage
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.tableDataContributor)
    principalId: computePrincipal
    principalType: 'ServicePrincipal'
  }
}
resource computeQueues 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(storage.id, computePrincipal, roles.queueDataContributor)
  scope: storage
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.queueDataContributor)
    principalId: computePrincipal
    principalType: 'ServicePrincipal'
  }
}

// Nodes pull the images of environments.
resource computeImages 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(containers.id, computePrincipal, roles.imagePull)
  scope: containers
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.imagePull)
    principalId: computePrincipal
    principalType: 'ServicePrincipal'
  }
}

// The Logic App invokes the batch endpoint: its identity creates a job. This is the smallest built-in role that may.
resource registerJobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(workspace.id, registerPrincipal, roles.dataScientist)
  scope: workspace
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.dataScientist)
    principalId: registerPrincipal
    principalType: 'ServicePrincipal'
  }
}

// Event Grid writes what it can't deliver, and into this container only.
resource eventsUndelivered 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(undelivered.id, eventsPrincipal, roles.blobDataContributor)
  scope: undelivered
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.blobDataContributor)
    principalId: eventsPrincipal
    principalType: 'ServicePrincipal'
  }
}

// People: the workspace, and its files and blobs, which nobody reaches with a key.
resource peopleWorkspace 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(dataScientists)) {
  name: guid(workspace.id, dataScientists, roles.dataScientist)
  scope: workspace
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.dataScientist)
    principalId: dataScientists
    principalType: 'Group'
  }
}
resource peopleBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(dataScientists)) {
  name: guid(storage.id, dataScientists, roles.blobDataContributor)
  scope: storage
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.blobDataContributor)
    principalId: dataScientists
    principalType: 'Group'
  }
}
resource peopleFiles 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(dataScientists)) {
  name: guid(storage.id, dataScientists, roles.fileDataContributor)
  scope: storage
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.fileDataContributor)
    principalId: dataScientists
    principalType: 'Group'
  }
}
