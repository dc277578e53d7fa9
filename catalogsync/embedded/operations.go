package embedded

// operations are all that the catalog answers.
var operations = map[string]operation{
	"CreateDatabase": operate((*Server).createDatabase),
	"GetDatabase":    operate((*Server).getDatabase),
	"GetDatabases":   operate((*Server).getDatabases),
	"UpdateDatabase": operate((*Server).updateDatabase),
	"DeleteDatabase": operate((*Server).deleteDatabase),

	"CreateTable":             operate((*Server).createTable),
	"GetTable":                operate((*Server).getTable),
	"GetTables":               operate((*Server).getTables),
	"SearchTables":            operate((*Server).searchTables),
	"UpdateTable":             operate((*Server).updateTable),
	"DeleteTable":             operate((*Server).deleteTable),
	"BatchDeleteTable":        operate((*Server).batchDeleteTable),
	"GetTableVersion":         operate((*Server).getTableVersion),
	"GetTableVersions":        operate((*Server).getTableVersions),
	"DeleteTableVersion":      operate((*Server).deleteTableVersion),
	"BatchDeleteTableVersion": operate((*Server).batchDeleteTableVersion),

	"GetPartition":         operate((*Server).getPartition),
	"GetPartitions":        operate((*Server).getPartitions),
	"BatchGetPartition":    operate((*Server).batchGetPartition),
	"CreatePartition":      operate((*Server).createPartition),
	"BatchCreatePartition": operate((*Server).batchCreatePartition),
	"UpdatePartition":      operate((*Server).updatePartition),
	"BatchUpdatePartition": operate((*Server).batchUpdatePartition),
	"DeletePartition":      operate((*Server).deletePartition),
	"BatchDeletePartition": operate((*Server).batchDeletePartition),

	"GetColumnStatisticsForTable":        operate((*Server).getTableStatistics),
	"UpdateColumnStatisticsForTable":     operate((*Server).updateTableStatistics),
	"DeleteColumnStatisticsForTable":     operate((*Server).deleteTableStatistics),
	"GetColumnStatisticsForPartition":    operate((*Server).getPartitionStatistics),
	"UpdateColumnStatisticsForPartition": operate((*Server).updatePartitionStatistics),
	"DeleteColumnStatisticsForPartition": operate((*Server).deletePartitionStatistics),

	"CreateUserDefinedFunction": operate((*Server).createUserDefinedFunction),
	"GetUserDefinedFunction":    operate((*Server).getUserDefinedFunction),
	"GetUserDefinedFunctions":   operate((*Server).getUserDefinedFunctions),
	"UpdateUserDefinedFunction": operate((*Server).updateUserDefinedFunction),
	"DeleteUserDefinedFunction": operate((*Server).deleteUserDefinedFunction),

	"GetPartitionIndexes":              operate((*Server).getPartitionIndexes),
	"GetResourcePolicy":                operate((*Server).getResourcePolicy),
	"GetResourcePolicies":              operate((*Server).getResourcePolicies),
	"GetDataCatalogEncryptionSettings": operate((*Server).getDataCatalogEncryptionSettings),
	"GetCatalogImportStatus":           operate((*Server).getCatalogImportStatus),
	"GetTags":                          operate((*Server).getTags),
}

// nothing is the answer that says only that it is done.
type nothing struct{}
