package embedded_test

import (
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"sluice/catalogsync/embedded"
	"sluice/internal/clienttest"
)

// The clients that these tests run are in internal/clienttest/requirements-catalog.txt.

// motoSteps, in the environment, is how many random calls are compared instead of 120.
const motoSteps = "SLUICE_TEST_MOTO_STEPS"

// TestMoto does the same to the catalog and to moto's Glue.
func TestMoto(t *testing.T) {
	steps := os.Getenv(motoSteps)
	if steps == "" {
		steps = "120"
	}
	srv := httptest.NewServer(open(t).server)
	defer srv.Close()
	out := clienttest.Python(t, "testdata/beside_moto.py", "moto.server", srv.URL, "1", steps)
	if out != "True, 0 differ\n" {
		t.Errorf("differences:\n%s", out)
	}
}

func TestAWSWrangler(t *testing.T) {
	srv := httptest.NewServer(open(t).server)
	defer srv.Close()
	if out := clienttest.Python(t, "testdata/wrangle.py", "awswrangler", srv.URL); out != "all of it\n" {
		t.Errorf("%s", out)
	}
}

// TestAWSCLI calls every operation that there is.
func TestAWSCLI(t *testing.T) {
	srv := httptest.NewServer(open(t).server)
	defer srv.Close()
	out := clienttest.Python(t, "testdata/cli.py", "awscli", srv.URL)
	called := strings.Fields(strings.ReplaceAll(out, "-", ""))
	for _, op := range embedded.Operations() {
		if !slices.Contains(called, strings.ToLower(op)) {
			t.Errorf("%s was not called", op)
		}
	}
}
