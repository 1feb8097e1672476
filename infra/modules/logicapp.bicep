// An event -> one job of the batch endpoint `register-data`; what it does is in register-data.workflow.json.
param location string
param name string
param identityId string
param registerUri string

// Cost: by the action that runs, a few for each landing file.
resource workflow 'Microsoft.Logic/workflows@2019-05-01' = {
  name: name
  location: location
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    state: 'Enabled'
    // The identity stands in the definition as it is, as the designer writes it; there is no expression for it.
    definition: json(replace(loadTextContent('register-data.workflow.json'), '{identity}', identityId))
    parameters: {
      registerUri: {
        value: registerUri
      }
    }
  }
}
