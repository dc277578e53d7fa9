package executor

import "context"

// loadFunctions reads which scalar functions give the same answer to the same
// arguments whenever they are called, in all their forms.
func (e *Executor) loadFunctions() error {
	names, err := e.plan(context.Background(), `SELECT function_name FROM duckdb_functions() GROUP BY 1
		HAVING bool_and(function_type = 'scalar' AND stability = 'CONSISTENT')`, nil)
	if err != nil {
		return err
	}
	e.deterministic = make(map[string]bool, len(names))
	for _, n := range names {
		e.deterministic[n] = true
	}
	return nil
}

// Deterministic reports whether all of the functions are scalar and give the
// same answer to the same arguments, today and tomorrow.
func (e *Executor) Deterministic(functions []string) bool {
	for _, f := range functions {
		if !e.deterministic[f] {
			return false
		}
	}
	return true
}
