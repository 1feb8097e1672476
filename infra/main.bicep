// Everything that an environment needs in Azure, into a resource group that is there. A module a concern; what differs
// between environments comes from config/ by way of main.parameters.json.j2. See docs/infra.md.
targetScope = 'resourceGroup'

param location string
@description('Of the workspace; what needs a name that is unique in Azure gets one that is made from the group.')
param workspaceName string
@description('Shared by all environments. Only the one that owns it creates it.')
param registryName string
param ownsRegistry bool
param computeName string
param vmSize string
@minValue(1)
param maxNodes int
@minValue(1)
param idleMinutes int
@description('Of jobs and endpoints. AllowOnlyApprovedOutbound adds a firewall, billed by the hour.')
@allowed([
  'AllowInternetOutbound'
  'AllowOnlyApprovedOutbound'
])
param outbound string
// A Logic App (Consumption) is on the internet, so without public access there is no event path.
@description('Disabled closes everything to the internet and makes private endpoints.')
@allowed([
  'Enabled'
  'Disabled'
])
param publicAccess string
@allowed([
  'Standard_LRS'
  'Standard_GRS'
  'Standard_RAGRS'
  'Standard_ZRS'
  'Standard_GZRS'
  'Standard_RAGZRS'
])
param storageSku string
@minValue(1)
@maxValue(365)
param softDeleteDays int
@description('Each: name, container, prefix; cool, archive and delete, in days since the last change, 0 for never.')
param lifecycleRules array
@description('Of blobs that were overwritten or deleted: cool, archive and delete, in days since then, 0 for never.')
param previousVersions object
@minValue(30)
param logDays int
@description('Name of the batch endpoint that registers data.')
param registerEndpoint string
@description('Folder of workspaceblobstore where files land, and the endings of those that are read.')
param landing string
param landingSuffixes array
@description('Object id of the Entra group of people who work in the workspace; empty: nobody gets a role.')
param dataScientists string

// The default account of a workspace has to be flat.
var hierarchical = false
var isPublic = publicAccess == 'Enabled'
var logicAppName = 'logic-${workspaceName}'
var topicName = 'evgt-${workspaceName}'
var suffix = uniqueString(resourceGroup().id)
var archived = filter(concat(lifecycleRules, [previousVersions]), rule => rule.archive > 0)

module insights 'modules/insights.bicep' = {
  name: 'insights'
  params: {
    location: location
    name: workspaceName
    logDays: logDays
  }
}

module identities 'modules/identities.bicep' = {
  name: 'identities'
  params: {
    location: location
    name: workspaceName
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  params: {
    location: location
    name: 'st${suffix}'
    sku: storageSku
    hierarchical: hierarchical
    softDeleteDays: softDeleteDays
    publicAccess: publicAccess
  }
}

module keyvault 'modules/keyvault.bicep' = {
  name: 'keyvault'
  params: {
    location: location
    name: 'kv-${suffix}'
    publicAccess: publicAccess
  }
}

module containers 'modules/containers.bicep' = {
  name: 'containers'
  params: {
    location: location
    name: 'cr${suffix}'
    publicAccess: publicAccess
  }
}

module workspace 'modules/workspace.bicep' = {
  name: 'workspace'
  params: {
    location: location
    name: workspaceName
    storageId: storage.outputs.id
    keyVaultId: keyvault.outputs.id
    containersId: containers.outputs.id
    insightsId: insights.outputs.insightsId
    outbound: outbound
    publicAccess: publicAccess
  }
}

module registry 'modules/registry.bicep' = if (ownsRegistry) {
  name: 'registry'
  params: {
    location: location
    name: registryName
  }
}

module compute 'modules/compute.bicep' = {
  name: 'compute'
  params: {
    location: location
    workspaceName: workspace.outputs.name
    name: computeName
    vmSize: vmSize
    maxNodes: maxNodes
    idleMinutes: idleMinutes
    identityId: identities.outputs.computeId
  }
}

module roles 'modules/roles.bicep' = {
  name: 'roles'
  params: {
    storageName: storage.outputs.name
    undeliveredContainer: storage.outputs.undeliveredContainer
    containersName: containers.outputs.name
    workspaceName: workspace.outputs.name
    computePrincipal: identities.outputs.computePrincipal
    registerPrincipal: identities.outputs.registerPrincipal
    eventsPrincipal: identities.outputs.eventsPrincipal
    dataScientists: dataScientists
  }
}

module lifecycle 'modules/lifecycle.bicep' = {
  name: 'lifecycle'
  params: {
    storageName: storage.outputs.name
    defaultContainer: workspace.outputs.defaultContainer
    rules: lifecycleRules
    versions: previousVersions
    // any(): the parameter takes fewer SKUs than there are, and it is Azure that is to refuse the others.
    archiveSku: any(empty(archived) ? 'Standard_LRS' : storageSku)
  }
}

module logicapp 'modules/logicapp.bicep' = if (isPublic) {
  name: 'logicapp'
  params: {
    location: location
    name: logicAppName
    identityId: identities.outputs.registerId
    registerUri: 'https://${registerEndpoint}.${location}.inference.ml.azure.com/jobs'
  }
}

module events 'modules/events.bicep' = if (isPublic) {
  name: 'events'
  params: {
    location: location
    name: topicName
    storageName: storage.outputs.name
    hierarchical: hierarchical
    container: workspace.outputs.defaultContainer
    landing: landing
    landingSuffixes: landingSuffixes
    logicAppName: logicAppName
    identityId: identities.outputs.eventsId
    undeliveredContainer: storage.outputs.undeliveredContainer
  }
  // The handshake of a subscription needs the Logic App, and what it can't deliver needs the role on the container.
  dependsOn: [
    logicapp
    roles
  ]
}

module diagnostics 'modules/diagnostics.bicep' = {
  name: 'diagnostics'
  params: {
    logsId: insights.outputs.logsId
    storageName: storage.outputs.name
    keyVaultName: keyvault.outputs.name
    containersName: containers.outputs.name
    workspaceName: workspace.outputs.name
    withEvents: isPublic
    logicAppName: logicAppName
    topicName: topicName
  }
  dependsOn: [
    logicapp
    events
  ]
}

module network 'modules/network.bicep' = if (!isPublic) {
  name: 'network'
  params: {
    location: location
    name: workspaceName
    storageId: storage.outputs.id
    keyVaultId: keyvault.outputs.id
    containersId: containers.outputs.id
    workspaceId: workspace.outputs.id
  }
}

output workspace string = workspace.outputs.name
output storageAccount string = storage.outputs.name
output landing string = '${workspace.outputs.defaultContainer}/${landing}'
