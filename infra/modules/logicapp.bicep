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
    definition: loadJsonContent('register-data.workflow.json')
    parameters: {
      registerUri: {
        value: registerUri
      }
      identity: {
        value: identityId
      }
    }
  }
}
