// With private endpoints: a network from which everything can be reached, and nothing from the internet. Join it to
// your own by peering or VPN.
param location string
param name string
param storageId string
param keyVaultId string
param containersId string
param workspaceId string

var zoneNames = [
  'privatelink.blob.${environment().suffixes.storage}'
  'privatelink.file.${environment().suffixes.storage}'
  'privatelink.vaultcore.azure.net'
  'privatelink.azurecr.io'
  'privatelink.api.azureml.ms'
  'privatelink.notebooks.azure.net'
]
var targets = [
  {
    group: 'blob'
    id: storageId
    zones: [zoneNames[0]]
  }
  {
    group: 'file'
    id: storageId
    zones: [zoneNames[1]]
  }
  {
    group: 'vault'
    id: keyVaultId
    zones: [zoneNames[2]]
  }
  {
    group: 'registry'
    id: containersId
    zones: [zoneNames[3]]
  }
  {
    group: 'amlworkspace'
    id: workspaceId
    zones: [zoneNames[4], zoneNames[5]]
  }
]

// Cost: none.
resource closed 'Microsoft.Network/networkSecurityGroups@2023-11-01' = {
  name: 'nsg-${name}'
  location: location
}

// Cost: none; peering costs by the gigabyte.
resource vnet 'Microsoft.Network/virtualNetworks@2023-11-01' = {
  name: 'vnet-${name}'
  location: location
  properties: {
    addressSpace: {
      addressPrefixes: [
        '10.0.0.0/24'
      ]
    }
    subnets: [
      {
        name: 'endpoints'
        properties: {
          addressPrefix: '10.0.0.0/24'
          networkSecurityGroup: {
            id: closed.id
          }
        }
      }
    ]
  }
}

// Cost: by the zone and month.
resource zones 'Microsoft.Network/privateDnsZones@2020-06-01' = [for zone in zoneNames: {
  name: zone
  location: 'global'
}]

// Cost: none.
resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2020-06-01' = [for (zone, i) in zoneNames: {
  parent: zones[i]
  name: vnet.name
  location: 'global'
  properties: {
    registrationEnabled: false
    virtualNetwork: {
      id: vnet.id
    }
  }
}]

// Cost: by the endpoint and hour, and by the gigabyte.
resource endpoints 'Microsoft.Network/privateEndpoints@2023-11-01' = [for target in targets: {
  name: 'pep-${name}-${target.group}'
  location: location
  properties: {
    subnet: {
      id: '${vnet.id}/subnets/endpoints'
    }
    privateLinkServiceConnections: [
      {
        name: target.group
        properties: {
          privateLinkServiceId: target.id
          groupIds: [
            target.group
          ]
        }
      }
    ]
  }
}]

// Cost: the zones'.
resource records 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2023-11-01' = [for (target, i) in targets: {
  parent: endpoints[i]
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [for zone in target.zones: {
      name: replace(zone, '.', '-')
      properties: {
        privateDnsZoneId: resourceId('Microsoft.Network/privateDnsZones', zone)
      }
    }]
  }
  dependsOn: [
    zones
  ]
}]
