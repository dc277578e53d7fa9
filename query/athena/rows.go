package athena

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"

	"sluice/query/result"
)

// rows read the answer, a page at a time.
type rows struct {
	ctx     context.Context
	client  *Client
	id      string
	started time.Time

	header  bool // the first row of the first page names the columns
	columns []result.Column
	block   []types.Row
	next    *string // token of the next page
	values  []result.Value
	stats   result.Stats
	err     error
	done    bool
}

// note keeps what Athena says of a query that succeeded.
func (r *rows) note(q *types.QueryExecution) {
	r.header = q.StatementType == types.StatementTypeDml
	if s := q.Statistics; s != nil {
		r.stats.Bytes = aws.ToInt64(s.DataScannedInBytes)
	}
	if r.header {
		r.stats.Cost = cost(r.stats.Bytes, r.client.cfg.PricePerTB)
	}
}

// mebibyte and minimum are Athena's: it rounds up to whole megabytes and charges
// ten at least.
const (
	mebibyte = 1 << 20
	minimum  = 10
)

func cost(bytes int64, perTB float64) float64 {
	if bytes == 0 {
		return 0
	}
	n := max(minimum, math.Ceil(float64(bytes)/mebibyte))
	return n * mebibyte * perTB / 1e12
}

// page gets the next page of rows; the first one tells the columns.
func (r *rows) page(first bool) error {
	out, err := r.client.api.GetQueryResults(r.ctx, &athena.GetQueryResultsInput{QueryExecutionId: &r.id, NextToken: r.next})
	if err != nil {
		if r.ctx.Err() != nil {
			return context.Cause(r.ctx)
		}
		return fmt.Errorf("read answer of Athena's query %s: %w", r.id, err)
	}
	r.next = out.NextToken
	r.block = nil
	if out.ResultSet == nil {
		return nil
	}
	r.block = out.ResultSet.Rows
	if !first {
		return nil
	}
	r.columns = []result.Column{}
	if m := out.ResultSet.ResultSetMetadata; m != nil {
		for _, c := range m.ColumnInfo {
			r.columns = append(r.columns, result.Column{Name: aws.ToString(c.Name), Type: typeName(c)})
		}
	}
	r.values = make([]result.Value, len(r.columns))
	if r.header && len(r.block) > 0 && r.names(r.block[0]) {
		r.block = r.block[1:]
	}
	return nil
}

// names reports whether the row holds the columns' names.
func (r *rows) names(row types.Row) bool {
	if len(row.Data) != len(r.columns) {
		return false
	}
	for i, d := range row.Data {
		if aws.ToString(d.VarCharValue) != r.columns[i].Name {
			return false
		}
	}
	return true
}

func typeName(c types.ColumnInfo) string {
	name := strings.ToLower(aws.ToString(c.Type))
	switch name {
	case "decimal":
		return fmt.Sprintf("decimal(%d,%d)", c.Precision, c.Scale)
	case "char":
		return fmt.Sprintf("char(%d)", c.Precision)
	case "float":
		return "real"
	}
	return name
}

func (r *rows) Columns() []result.Column { return r.columns }

func (r *rows) Next() bool {
	for r.err == nil && !r.done && len(r.block) == 0 {
		if r.next == nil {
			r.done = true
			break
		}
		r.err = r.page(false)
	}
	if r.err != nil || r.done {
		r.stats.Stop(r.started)
		return false
	}
	row := r.block[0]
	r.block = r.block[1:]
	for i := range r.values {
		r.values[i] = result.Value{}
		if i < len(row.Data) && row.Data[i].VarCharValue != nil {
			r.values[i] = value(r.columns[i], *row.Data[i].VarCharValue)
		}
	}
	r.stats.Rows++
	return true
}

// value is a value by its text: what is a literal of JSON and of the column's type is
// one. Floats are spelled as the bundled engine spells them.
func value(c result.Column, text string) result.Value {
	if c.Type == "double" || c.Type == "real" {
		bits := map[string]int{"double": 64, "real": 32}[c.Type]
		if f, err := strconv.ParseFloat(text, bits); err == nil {
			b, form := result.AppendFloat(nil, f, bits)
			return result.Value{Text: string(b), Form: form}
		}
	}
	if c.Type == "varbinary" { // in hexadecimal there, a space between the bytes
		if b, err := hex.DecodeString(strings.ReplaceAll(text, " ", "")); err == nil {
			return result.Value{Text: base64.StdEncoding.EncodeToString(b), Form: result.String}
		}
	}
	if (c.Numeric() || c.Type == "boolean") && json.Valid([]byte(text)) {
		return result.Value{Text: text, Form: result.Literal}
	}
	return result.Value{Text: text, Form: result.String}
}

func (r *rows) Values() []result.Value { return r.values }
func (r *rows) Err() error             { return r.err }
func (r *rows) Stats() result.Stats    { r.stats.Stop(r.started); return r.stats }

// Close has nothing to stop: rows are read when the query has ended.
func (r *rows) Close() error { return nil }
