// A file that has landed -> an event -> the Logic App. Event Grid tries for a day, then puts the event away.
param location string
param name string
param storageName string
param hierarchical bool
param container string
param landing string
param landingSuffixes array
param logicAppName string
param identityId string
param undeliveredContainer string

// The call that ends a file. In a hierarchical account the one before it says that the file is there, still empty.
var finished = hierarchical ? ['FlushWithClose'] : ['PutBlob', 'PutBlockList', 'CopyBlob']

resource storage 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: storageName
}
resource logicApp 'Microsoft.Logic/workflows@2019-05-01' existing = {
  name: logicAppName
}

// Cost: by the million operations (an event that matches, each delivery); nothing for what landing files make.
resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: name
  location: location
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    source: storage.id
    topicType: 'Microsoft.Storage.StorageAccounts'
  }
}

// Cost: the topic's.
resource landed 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'register-data'
  properties: {
    eventDeliverySchema: 'EventGridSchema'
    filter: {
      includedEventTypes: [
        'Microsoft.Storage.BlobCreated'
      ]
      subjectBeginsWith: '/blobServices/default/containers/${container}/blobs/${landing}/'
      advancedFilters: [
        {
          operatorType: 'StringIn'
          key: 'data.api'
          values: finished
        }
        {
          // Being written, or no data at all: register_data leaves them out.
          operatorType: 'StringNotContains'
          key: 'subject'
          values: ['/.', '/_']
        }
        {
          operatorType: 'StringEndsWith'
          key: 'subject'
          values: landingSuffixes
        }
      ]
    }
    destination: {
      endpointType: 'WebHook'
      properties: {
        // The address holds a signature. It goes from one service to the other and is no output of this template.
        endpointUrl: listCallbackUrl('${logicApp.id}/triggers/landed', '2019-05-01').value
        maxEventsPerBatch: 1
      }
    }
    retryPolicy: {
      maxDeliveryAttempts: 30
      eventTimeToLiveInMinutes: 1440
    }
    deadLetterWithResourceIdentity: {
      identity: {
        type: 'UserAssigned'
        userAssignedIdentity: identityId
      }
      deadLetterDestination: {
        endpointType: 'StorageBlob'
        properties: {
          resourceId: storage.id
          blobContainerName: undeliveredContainer
        }
      }
    }
  }
}
