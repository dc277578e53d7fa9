package statement

import (
	"fmt"
	"slices"
	"strings"

	"sluice/query/syntax"
)

// A Refusal says what a statement may not ask for.
type Refusal struct {
	What     string
	Position int // in the statement, -1 if unknown
}

func (r *Refusal) Error() string { return r.What }

func refuse(n node, format string, args ...any) *Refusal {
	return &Refusal{What: fmt.Sprintf(format, args...), Position: syntax.Position(n)}
}

// tableFunctions may stand in FROM.
var tableFunctions = map[string]bool{"unnest": true, "range": true, "generate_series": true}

// refusedFunctions read or change what is not in the statement's tables:
// settings, variables, sequences, the process, other statements, time itself.
var refusedFunctions = map[string]bool{
	"getenv": true, "current_setting": true, "set_config": true, "getvariable": true,
	"current_query": true, "current_query_id": true, "current_connection_id": true,
	"current_transaction_id": true, "txid_current": true, "in_search_path": true,
	"nextval": true, "currval": true, "setseed": true, "sleep_ms": true, "write_log": true,
	"json_serialize_plan": true, "json_execute_serialized_sql": true, "query": true, "query_table": true,
	"stats": true, "glob": true, "sniff_csv": true, "add_parquet_key": true, "which_secret": true,
	"checkpoint": true, "force_checkpoint": true, "enable_logging": true, "disable_logging": true,
	"seq_scan": true, "arrow_scan": true, "arrow_scan_dumb": true, "sql_auto_complete": true,
	"col_description": true, "obj_description": true, "shobj_description": true, "parse_duckdb_log_message": true,
	"current_role": true, "session_user": true, "get_block_size": true, "vector_type": true,
}

// refusedPrefixes begin the names of whole families.
var refusedPrefixes = []string{
	"read_", "parquet_", "duckdb_", "pragma_", "pg_", "inet_", "has_", "__internal", "test_",
	"enable_", "disable_", "verify_", "storage_", "icu_calendar", "write_", "load_", "from_substrait",
	"get_substrait", "iceberg_", "delta_", "sqlite_", "postgres_", "mysql_", "http_", "json_execute", "truncate_",
}

// checkFunction refuses a function by name.
func checkFunction(n node) *Refusal {
	if name := strings.ToLower(syntax.Text(n, "function_name")); RefusesFunction(name) {
		return refuse(n, "the function %s is not allowed: a query reads tables, not files, settings or the environment", name)
	}
	return nil
}

// RefusesFunction reports whether a function, by its name in lower case, is not for
// a statement to call. What the executor has beside those was reviewed, each by
// name, to read nothing but its arguments; a test holds that list against a new
// executor's.
func RefusesFunction(name string) bool {
	return refusedFunctions[name] || slices.ContainsFunc(refusedPrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// checkFrom refuses what may not stand in FROM.
func checkFrom(n node) *Refusal {
	switch typ := syntax.Text(n, "type"); typ {
	case "BASE_TABLE":
		if n["at_clause"] != nil {
			return refuse(n, "AT (…) on a table is not supported")
		}
	case "TABLE_FUNCTION":
		name := strings.ToLower(syntax.Text(syntax.Object(n, "function"), "function_name"))
		if !tableFunctions[name] {
			return refuse(n, "the table function %s is not allowed: FROM takes tables, unnest, range and generate_series", name)
		}
	case "SHOW_REF":
		if syntax.Object(n, "query") == nil {
			return refuse(n, "this form of SHOW is not supported; there is SHOW DATABASES, SHOW TABLES [IN database], SHOW PARTITIONS table, SHOW COLUMNS FROM table")
		}
	case "SUBQUERY", "JOIN", "EXPRESSION_LIST", "EMPTY", "EMPTY_FROM", "PIVOT":
	default:
		return refuse(n, "%s is not allowed in FROM", strings.ToLower(strings.ReplaceAll(typ, "_", " ")))
	}
	return nil
}

// fromTypes are the types that only a relation has.
var fromTypes = map[string]bool{
	"BASE_TABLE": true, "TABLE_FUNCTION": true, "SHOW_REF": true, "SUBQUERY": true, "JOIN": true,
	"EXPRESSION_LIST": true, "EMPTY": true, "EMPTY_FROM": true, "PIVOT": true, "COLUMN_DATA": true,
	"DELIM_GET": true, "BOUND_TABLE_REF": true, "CTE": true,
}

// nodeTypes are the types that only a query has.
var nodeTypes = map[string]bool{
	"SELECT_NODE": true, "SET_OPERATION_NODE": true, "RECURSIVE_CTE_NODE": true, "CTE_NODE": true,
}

// classes of expressions that are let through.
var classes = map[string]bool{
	"CASE": true, "CAST": true, "COLUMN_REF": true, "COMPARISON": true, "CONJUNCTION": true, "CONSTANT": true,
	"FUNCTION": true, "OPERATOR": true, "STAR": true, "SUBQUERY": true, "WINDOW": true, "COLLATE": true,
	"LAMBDA": true, "POSITIONAL_REFERENCE": true, "BETWEEN": true, "LAMBDA_REF": true, "TYPE": true,
}

// checkExpression refuses expressions that are not known to be harmless.
func checkExpression(n node) *Refusal {
	switch class := syntax.Text(n, "class"); {
	case class == "PARAMETER":
		return refuse(n, "parameters (? and $1) are not supported")
	case !classes[class]:
		return refuse(n, "%s is not supported", strings.ToLower(strings.ReplaceAll(class, "_", " ")))
	case class == "FUNCTION" || class == "WINDOW":
		return checkFunction(n)
	}
	return nil
}
