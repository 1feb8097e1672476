// Which blobs get cheaper with age: hot -> cool -> archive -> gone. An archived blob can't be read until it has been
// brought back, which takes hours, so `make check` refuses a rule that archives or deletes what a spec reads or writes.
// Cost: none of its own; each move is a request, and leaving cool within 30 days or archive within 180 costs the rest.
param storageName string
@description('Container behind workspaceblobstore, by which name the rules call it.')
param defaultContainer string
param rules array
@description('Of previous versions: days.')
param versions object
// Zone-redundant accounts have no archive tier, so Azure is to refuse them here.
@description('SKU of the account, if anything is to be archived.')
@allowed([
  'Standard_LRS'
  'Standard_GRS'
  'Standard_RAGRS'
])
param archiveSku string

resource storage 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: storageName
}

var present = [for rule in rules: {
  name: rule.name
  enabled: true
  type: 'Lifecycle'
  definition: {
    filters: {
      blobTypes: [
        'blockBlob'
      ]
      prefixMatch: [
        '${replace(rule.container, 'workspaceblobstore', defaultContainer)}/${rule.prefix}'
      ]
    }
    actions: {
      baseBlob: union(
        rule.cool > 0 ? { tierToCool: { daysAfterModificationGreaterThan: rule.cool } } : {},
        rule.archive > 0 ? { tierToArchive: { daysAfterModificationGreaterThan: rule.archive } } : {},
        rule.delete > 0 ? { delete: { daysAfterModificationGreaterThan: rule.delete } } : {}
      )
    }
  }
}]

// Nothing reads these but who restores one, so they may be archived, whatever path they had.
var previous = {
  name: 'previousVersions'
  enabled: true
  type: 'Lifecycle'
  definition: {
    filters: {
      blobTypes: [
        'blockBlob'
      ]
    }
    actions: {
      version: union(
        versions.cool > 0 ? { tierToCool: { daysAfterCreationGreaterThan: versions.cool } } : {},
        versions.archive > 0 ? { tierToArchive: { daysAfterCreationGreaterThan: versions.archive } } : {},
        versions.delete > 0 ? { delete: { daysAfterCreationGreaterThan: versions.delete } } : {}
      )
    }
  }
}

resource policy 'Microsoft.Storage/storageAccounts/managementPolicies@2025-01-01' = {
  parent: storage
  name: 'default'
  properties: {
    policy: {
      rules: concat(present, [previous])
    }
  }
}
