// Package view is the form in which Presto, Trino and Athena keep a view in the
// catalog: a comment of SQL, "/* Presto View: … */", whose middle is the base64 of
// a JSON object with the query, the catalog and schema that its names are in, and
// the names and types of the columns.
package view

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

// Catalog is Athena's name of the catalog.
const Catalog = "awsdatacatalog"

const (
	prefix = "/* Presto View: "
	suffix = " */"
	// most bounds a definition; Glue takes 400 KB.
	most = 1 << 20
)

// A Definition is a view.
type Definition struct {
	SQL     string   `json:"originalSql"`
	Catalog string   `json:"catalog"`
	Schema  string   `json:"schema"`
	Columns []Column `json:"columns"`
}

// A Column has Presto's name of its type.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// stored adds what Trino wants to find, if only as null. A view gives nobody more
// than he may see himself: runAsInvoker.
type stored struct {
	Definition
	Comment      *string  `json:"comment"`
	Owner        *string  `json:"owner"`
	RunAsInvoker bool     `json:"runAsInvoker"`
	Path         []string `json:"path"`
}

// Encode is the definition as the catalog keeps it.
func (d Definition) Encode() (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(stored{Definition: d, RunAsInvoker: true, Path: []string{}}); err != nil {
		return "", fmt.Errorf("encode view: %w", err)
	}
	text := prefix + base64.StdEncoding.EncodeToString([]byte(strings.TrimSpace(b.String()))) + suffix
	if len(text) > most {
		return "", fmt.Errorf("the view has %d bytes; at most %d are allowed", len(text), most)
	}
	return text, nil
}

// Decode reads what the catalog keeps.
func Decode(text string) (Definition, error) {
	text = strings.TrimSpace(text)
	if len(text) > most {
		return Definition{}, fmt.Errorf("it has %d bytes; at most %d are read", len(text), most)
	}
	body, ok1 := strings.CutPrefix(text, strings.TrimSpace(prefix))
	body, ok2 := strings.CutSuffix(body, strings.TrimSpace(suffix))
	if !ok1 || !ok2 {
		return Definition{}, fmt.Errorf("it is not Presto's, Trino's or Athena's")
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(body))
	if err != nil {
		return Definition{}, fmt.Errorf("its definition is not base64: %w", err)
	}
	var d Definition
	if err := json.Unmarshal(raw, &d); err != nil {
		return Definition{}, fmt.Errorf("its definition is not what it should be: %w", err)
	}
	if strings.TrimSpace(d.SQL) == "" {
		return Definition{}, fmt.Errorf("its definition has no query")
	}
	return d, nil
}
