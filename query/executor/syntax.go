package executor

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// Parse is the JSON syntax tree of the statements in sql, as DuckDB's
// json_serialize_sql makes it. Only SELECT statements have one; an *Error of
// kind "Not implemented" answers others, one of kind "Parser" faulty ones.
func (e *Executor) Parse(ctx context.Context, sql string) ([]byte, error) {
	if strings.ContainsRune(sql, 0) {
		return nil, &Error{Kind: "Parser", Message: "the statement contains a zero byte", Position: strings.IndexByte(sql, 0)}
	}
	rows, err := e.plan(ctx, "SELECT json_serialize_sql("+Quote(sql)+", skip_default := true)::VARCHAR", nil)
	if err != nil {
		return nil, err
	}
	if len(rows) != 1 {
		return nil, fmt.Errorf("parse statement: %d answers", len(rows))
	}
	tree := []byte(rows[0])
	var doc struct {
		Error    bool   `json:"error"`
		Type     string `json:"error_type"`
		Message  string `json:"error_message"`
		Position string `json:"position"`
	}
	if err := json.Unmarshal(tree, &doc); err != nil {
		return nil, fmt.Errorf("parse statement: %w", err)
	}
	if !doc.Error {
		return tree, nil
	}
	fault := &Error{Kind: capital(doc.Type), Message: clean(doc.Message), Position: -1}
	if n, err := strconv.Atoi(doc.Position); err == nil {
		fault.Position = n
	}
	return nil, fault
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// Text is the statement whose tree Parse would make.
func (e *Executor) Text(ctx context.Context, tree []byte) (string, error) {
	rows, err := e.plan(ctx, "SELECT json_deserialize_sql("+Quote(string(tree))+"::JSON)", nil)
	if err != nil {
		return "", err
	}
	return rows[0], nil
}

// Lists are the arguments of Strings: lists of strings of one length, a nil
// string being NULL.
type Lists [][]*string

// Strings runs a SELECT of one column over no table, without file or setting,
// and returns its values as text; a NULL is "". Parameters ?1, ?2 … are lists
// of VARCHAR.
func (e *Executor) Strings(ctx context.Context, sql string, params Lists) ([]string, error) {
	return e.plan(ctx, sql, params)
}

// plan runs a statement on the planner.
func (e *Executor) plan(ctx context.Context, sql string, params Lists) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	conn, err := e.lend()
	if err != nil {
		return nil, err
	}
	var out []string
	left := e.call(ctx, func() {
		defer conn.watch(ctx)()
		out, err = conn.collect(sql, params)
	}, func() { e.giveBack(conn) })
	if left != nil {
		return nil, left
	}
	e.giveBack(conn)
	if err != nil && ctx.Err() != nil { // it was interrupted, at whatever step
		return nil, context.Cause(ctx)
	}
	return out, err
}

// collect runs a statement and reads the first column of its answer.
func (in *instance) collect(sql string, params Lists) ([]string, error) {
	var stmt mapping.PreparedStatement
	defer mapping.DestroyPrepare(&stmt)
	if mapping.Prepare(in.conn, sql, &stmt) == mapping.StateError {
		return nil, parseError(mapping.PrepareError(stmt))
	}
	for i, list := range params {
		v := newList(list)
		state := mapping.BindValue(stmt, mapping.IdxT(i+1), v)
		mapping.DestroyValue(&v)
		if state == mapping.StateError {
			return nil, fmt.Errorf("bind parameter %d: %s", i+1, mapping.PrepareError(stmt))
		}
	}
	var res mapping.Result
	defer mapping.DestroyResult(&res)
	if mapping.ExecutePrepared(stmt, &res) == mapping.StateError {
		return nil, parseError(mapping.ResultError(&res))
	}
	return firstColumn(&res)
}

// newList makes a value of type VARCHAR[].
func newList(list []*string) mapping.Value {
	varchar := mapping.CreateLogicalType(mapping.TypeVarchar)
	defer mapping.DestroyLogicalType(&varchar)
	values := make([]mapping.Value, len(list))
	for i, s := range list {
		if s == nil {
			values[i] = mapping.CreateNullValue()
		} else {
			values[i] = mapping.CreateVarcharLength(*s, mapping.IdxT(len(*s)))
		}
	}
	v := mapping.CreateListValue(varchar, values)
	for i := range values {
		mapping.DestroyValue(&values[i])
	}
	return v
}

// firstColumn reads the first column of a result.
func firstColumn(res *mapping.Result) ([]string, error) {
	lt := mapping.ColumnLogicalType(res, 0)
	c, err := newCell(lt, nil)
	mapping.DestroyLogicalType(&lt)
	if err != nil {
		return nil, err
	}
	var out []string
	for {
		chunk := mapping.FetchChunk(*res)
		if chunk.Ptr == nil {
			return out, nil
		}
		c.point(mapping.DataChunkGetVector(chunk, 0))
		for row := range int(mapping.DataChunkGetSize(chunk)) {
			out = append(out, c.value(row).Text)
		}
		mapping.DestroyDataChunk(&chunk)
	}
}
