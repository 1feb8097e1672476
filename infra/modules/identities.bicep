// Who acts without a person: an identity a task, so that each can have the least rights. Cost: none.
param location string
param name string

// What jobs read and write with.
resource compute 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-${name}-compute'
  location: location
}

// What the Logic App calls the batch endpoint with.
resource register 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-${name}-register'
  location: location
}

// What Event Grid puts away events with that it can't deliver.
resource events 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-${name}-events'
  location: location
}

output computeId string = compute.id
output computePrincipal string = compute.properties.principalId
output registerId string = register.id
output registerPrincipal string = register.properties.principalId
output eventsId string = events.id
output eventsPrincipal string = events.properties.principalId
