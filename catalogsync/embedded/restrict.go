package embedded

import (
	"context"
	"net/http"
	"strings"
)

type visibleKey struct{}

// Restrict makes a request one that only reads, and only the databases that
// visible names, which is called with names in lower case: others are to it as if
// they were not there.
func Restrict(r *http.Request, visible func(database string) bool) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), visibleKey{}, visible))
}

func restricted(ctx context.Context) bool { return ctx.Value(visibleKey{}) != nil }

// sees reports whether the request may see a database.
func sees(ctx context.Context, database string) bool {
	visible, ok := ctx.Value(visibleKey{}).(func(string) bool)
	return !ok || visible(strings.ToLower(database))
}

// reads reports whether an operation changes nothing.
func reads(operation string) bool {
	for _, prefix := range []string{"Get", "BatchGet", "Search"} {
		if strings.HasPrefix(operation, prefix) {
			return true
		}
	}
	return false
}

// denied is the fault of a restricted request that would change something.
func denied(operation string) *fault {
	return &fault{http.StatusBadRequest, "AccessDeniedException", operation + " changes the catalog; this caller may only read it"}
}
