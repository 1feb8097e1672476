// Where everything is logged.
param location string
param name string
param logDays int

// Cost: by the gigabyte that comes in, and by the month for what is kept longer than the free period.
resource logs 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: 'log-${name}'
  location: location
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: logDays
  }
}

// Cost: none of its own; what it takes in is billed as logs.
resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-${name}'
  location: location
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: logs.id
  }
}

output logsId string = logs.id
output insightsId string = insights.id
