package embedded

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
)

// Functions of users are kept for the engines that keep theirs in the catalog;
// what is in them is for the engines to know.

type functionInput struct {
	FunctionName string            `json:"FunctionName"`
	ClassName    *string           `json:"ClassName,omitempty"`
	OwnerName    *string           `json:"OwnerName,omitempty"`
	OwnerType    *string           `json:"OwnerType,omitempty"`
	FunctionType *string           `json:"FunctionType,omitempty"`
	ResourceUris []json.RawMessage `json:"ResourceUris"`
}

type function struct {
	functionInput
	DatabaseName string `json:"DatabaseName"`
	CreateTime   epoch  `json:"CreateTime"`
	CatalogID    string `json:"CatalogId"`
}

type functionRow struct {
	name, database string
	input          functionInput
	created        epoch
}

const selectFunction = "SELECT f.name, d.name, f.input, f.created FROM functions f JOIN databases d ON d.id = f.database_id "

func scanFunction(rows *sql.Rows, f *functionRow) error {
	var input string
	if err := rows.Scan(&f.name, &f.database, &input, &f.created); err != nil {
		return err
	}
	return json.Unmarshal([]byte(input), &f.input)
}

func (f functionRow) shape(s scope) function {
	f.input.ResourceUris = orNone(f.input.ResourceUris)
	return function{f.input, f.database, f.created, s.id()}
}

type functionRequest struct {
	scope
	page
	DatabaseName, FunctionName string
	Pattern                    string
	FunctionInput              functionInput
}

// prepare checks the input, and is its name and its JSON.
func (in functionRequest) prepare() (name, input string, err error) {
	if name, err = checkName("function", in.FunctionInput.FunctionName); err != nil {
		return "", "", err
	}
	b, err := json.Marshal(in.FunctionInput)
	return name, string(b), err
}

func (s *Server) createUserDefinedFunction(ctx context.Context, in functionRequest) (nothing, error) {
	name, input, err := in.prepare()
	if err != nil {
		return nothing{}, err
	}
	return nothing{}, s.store.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		d, err := findDatabase(ctx, tx, in.DatabaseName)
		if err != nil {
			return err
		}
		done, err := affected(tx.ExecContext(ctx,
			"INSERT INTO functions (database_id, name, input, created) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", d.id, name, input, now()))
		if err == nil && !done {
			err = alreadyExists("Function %s.%s already exists.", d.input.Name, name)
		}
		return err
	})
}

func noFunction(database, name string) *fault {
	return notFound("Function %.300s.%.300s not found.", database, name)
}

func (s *Server) updateUserDefinedFunction(ctx context.Context, in functionRequest) (nothing, error) {
	name, input, err := in.prepare()
	if err != nil {
		return nothing{}, err
	}
	if !strings.EqualFold(name, in.FunctionName) {
		return nothing{}, invalid("Function %.300s cannot be renamed.", in.FunctionName)
	}
	return nothing{}, s.store.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		d, err := findDatabase(ctx, tx, in.DatabaseName)
		if err != nil {
			return err
		}
		done, err := affected(tx.ExecContext(ctx, "UPDATE functions SET input = ? WHERE database_id = ? AND name = ?", input, d.id, name))
		if err == nil && !done {
			err = noFunction(in.DatabaseName, in.FunctionName)
		}
		return err
	})
}

func (s *Server) deleteUserDefinedFunction(ctx context.Context, in functionRequest) (nothing, error) {
	return nothing{}, s.store.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		d, err := findDatabase(ctx, tx, in.DatabaseName)
		if err != nil {
			return err
		}
		done, err := affected(tx.ExecContext(ctx, "DELETE FROM functions WHERE database_id = ? AND name = ?", d.id, strings.ToLower(in.FunctionName)))
		if err == nil && !done {
			err = noFunction(in.DatabaseName, in.FunctionName)
		}
		return err
	})
}

type functionAnswer struct{ UserDefinedFunction function }

func (s *Server) getUserDefinedFunction(ctx context.Context, in functionRequest) (out functionAnswer, err error) {
	err = s.store.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		d, err := findDatabase(ctx, tx, in.DatabaseName)
		if err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, selectFunction+"WHERE d.id = ? AND f.name = ?", d.id, strings.ToLower(in.FunctionName))
		found, err := collect(rows, err, scanFunction)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return noFunction(in.DatabaseName, in.FunctionName)
		}
		out.UserDefinedFunction = found[0].shape(in.scope)
		return nil
	})
	return out, err
}

type functionsAnswer struct {
	UserDefinedFunctions []function
	NextToken            string `json:",omitempty"`
}

// getUserDefinedFunctions lists those of a database, or where none is named of
// all. One that is not there has none: Spark asks in every database it has heard of.
func (s *Server) getUserDefinedFunctions(ctx context.Context, in functionRequest) (functionsAnswer, error) {
	out := functionsAnswer{UserDefinedFunctions: []function{}}
	pattern, err := namePattern(in.Pattern)
	if err != nil {
		return out, err
	}
	after, err := in.after()
	if err != nil {
		return out, err
	}
	limit, database := in.limit(100), strings.ToLower(in.DatabaseName)
	err = s.store.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, selectFunction+`WHERE (? = '' OR d.name = ?) AND d.name || char(0) || f.name > ?
			ORDER BY d.name || char(0) || f.name`, database, database, after)
		if err != nil {
			return err
		}
		defer rows.Close()
		last := ""
		for rows.Next() {
			var f functionRow
			if err := scanFunction(rows, &f); err != nil {
				return err
			}
			if !sees(ctx, f.database) || !pattern.MatchString(f.name) {
				continue
			}
			if len(out.UserDefinedFunctions) == limit {
				out.NextToken = token(last)
				return nil
			}
			out.UserDefinedFunctions = append(out.UserDefinedFunctions, f.shape(in.scope))
			last = f.database + "\x00" + f.name
		}
		return rows.Err()
	})
	return out, err
}
