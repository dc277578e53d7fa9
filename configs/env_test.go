package configs_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/configs"
)

func TestUnknownVariables(t *testing.T) {
	for env, want := range map[string]string{
		"SLUICE_BUFFER_SIEZ=1MiB": "SLUICE_BUFFER_SIEZ: unknown variable; did you mean SLUICE_BUFFER_SIZE?",
		"SLUICE_DATADIR=x":        "SLUICE_DATADIR: unknown variable; did you mean SLUICE_DATA_DIR?",
		"SLUICE_STREAMS_A_TABLE=": "SLUICE_STREAMS_A_TABLE: unknown variable; streams have no variable each; SLUICE_STREAMS holds all of them as inline YAML",
		"SLUICE_WHATEVER=1":       "SLUICE_WHATEVER: unknown variable; every setting's variable is SLUICE_ and its path in capitals, such as SLUICE_BUFFER_SIZE",
		"SLUICE_PORT=8080":        "SLUICE_PORT: unknown variable; every setting's variable is SLUICE_ and its path in capitals, such as SLUICE_BUFFER_SIZE",
		"SLUICE_AUTO_CREATE=1":    `SLUICE_AUTO_CREATE: auto_create: found "1", want true or false`,
		"SLUICE_BUFFER_SIZE=1":    "SLUICE_BUFFER_SIZE: buffer.size: found 1, want 1MiB to 1GiB",
	} {
		if _, err := configs.Load("", []string{env}); err == nil || err.Error() != want {
			t.Errorf("%s:\ngot  %v\nwant %s", env, err, want)
		}
	}
}

// TestForeignVariables loads with what Kubernetes adds for services named sluice
// and sluice-query, and with what cmd reads itself.
func TestForeignVariables(t *testing.T) {
	cfg, err := configs.Load("", []string{
		"SLUICE_CONFIG=/etc/sluice.yaml", "SLUICE_SERVER=http://sluice:8080",
		"SLUICE_SERVICE_HOST=10.0.0.1", "SLUICE_SERVICE_PORT=8080", "SLUICE_SERVICE_PORT_HTTP=8080",
		"SLUICE_PORT=tcp://10.0.0.1:8080", "SLUICE_PORT_8080_TCP=tcp://10.0.0.1:8080",
		"SLUICE_PORT_8080_TCP_PROTO=tcp", "SLUICE_PORT_8080_TCP_PORT=8080", "SLUICE_PORT_8080_TCP_ADDR=10.0.0.1",
		"SLUICE_QUERY_SERVICE_HOST=10.0.0.2", "SLUICE_QUERY_PORT=tcp://10.0.0.2:8080",
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(configs.Default(), cfg); diff != "" {
		t.Error(diff)
	}
}

func TestStreamsFromEnvironment(t *testing.T) {
	const file = "streams:\n  a: {table: Bad}\n  b: {strict: true}\n"
	cfg, err := load(t, file, `SLUICE_STREAMS={c: {table: shop.c, partition_by: ["h=hour(ingest)"]}}`)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]configs.Stream{"c": {Table: "shop.c", PartitionBy: []string{"h=hour(ingest)"}}}
	if diff := cmp.Diff(want, cfg.Streams); diff != "" {
		t.Error(diff)
	}
	for value, want := range map[string]string{
		"{c: {tabel: x}}": "SLUICE_STREAMS:1: streams.c.tabel: unknown setting; did you mean table?",
		"{c: {table: X}}": `SLUICE_STREAMS:1: streams.c.table: table name "X": want [database.]table of a–z, 0–9 and _, such as shop.purchases`,
		"{c":              "SLUICE_STREAMS:1: not valid YAML, here or one line on: did not find expected ',' or '}'",
	} {
		if _, err := configs.Load("", []string{"SLUICE_STREAMS=" + value}); err == nil || err.Error() != want {
			t.Errorf("%s:\ngot  %v\nwant %s", value, err, want)
		}
	}
}
