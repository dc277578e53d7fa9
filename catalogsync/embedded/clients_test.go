package embedded_test

import (
	"slices"
	"strings"
	"testing"

	"sluice/catalogsync/embedded"
)

// What clients of Glue call, read out of their sources: the classes named.
var clientOperations = map[string]string{
	// io.trino.plugin.hive.metastore.glue: GlueHiveMetastore, DefaultGlueColumnStatisticsProvider
	"Trino": `GetDatabases GetDatabase CreateDatabase UpdateDatabase DeleteDatabase GetTables GetTable CreateTable UpdateTable DeleteTable
		GetPartitions GetPartition BatchGetPartition BatchCreatePartition UpdatePartition BatchUpdatePartition DeletePartition
		GetColumnStatisticsForTable UpdateColumnStatisticsForTable DeleteColumnStatisticsForTable
		GetColumnStatisticsForPartition UpdateColumnStatisticsForPartition DeleteColumnStatisticsForPartition
		GetUserDefinedFunction GetUserDefinedFunctions CreateUserDefinedFunction UpdateUserDefinedFunction DeleteUserDefinedFunction`,
	// com.facebook.presto.hive.metastore.glue: GlueHiveMetastore
	"PrestoDB": `GetDatabases GetDatabase CreateDatabase UpdateDatabase DeleteDatabase GetTables GetTable CreateTable UpdateTable DeleteTable
		GetPartitions GetPartition BatchGetPartition BatchCreatePartition UpdatePartition DeletePartition`,
	// com.amazonaws.glue.catalog.metastore: DefaultAWSGlueMetastore
	"Hive and Spark": `CreateDatabase GetDatabase GetDatabases UpdateDatabase DeleteDatabase CreateTable GetTable GetTables UpdateTable DeleteTable
		GetPartition BatchGetPartition GetPartitions UpdatePartition DeletePartition BatchCreatePartition
		CreateUserDefinedFunction GetUserDefinedFunction GetUserDefinedFunctions DeleteUserDefinedFunction UpdateUserDefinedFunction`,
	// awswrangler.catalog
	"awswrangler": `GetDatabases CreateDatabase UpdateDatabase DeleteDatabase GetTables SearchTables GetTable CreateTable UpdateTable DeleteTable
		GetTableVersions GetPartitions BatchCreatePartition BatchDeletePartition`,
}

func TestClientsOperations(t *testing.T) {
	all := embedded.Operations()
	for client, names := range clientOperations {
		for _, op := range strings.Fields(names) {
			if !slices.Contains(all, op) {
				t.Errorf("%s calls %s", client, op)
			}
		}
	}
}
