package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"sluice/internal/prestotest"
	"sluice/internal/s3test"
)

// catalogName is what the engines know our catalog by: Athena's name for Glue, which
// stands in the views that Athena and Sluice make.
const catalogName = "awsdatacatalog"

// A coordinator is a running PrestoDB or Trino, with our catalog as its own.
type coordinator struct {
	*process
	prestotest.Server
	name    string // presto, trino
	version string
}

// places are what an engine's catalog is configured with: addresses, and who it is to
// our catalog.
type places struct{ glue, s3, key, secret string }

// reader is a second catalog of the engines, with a key that may query one database.
const reader = "reader"

// properties are the settings that PrestoDB and Trino share: how to reach our catalog.
func (p places) properties() map[string]string {
	return map[string]string{
		"hive.metastore":                            "glue",
		"hive.metastore.glue.endpoint-url":          p.glue,
		"hive.metastore.glue.region":                s3test.Region,
		"hive.metastore.glue.aws-access-key":        p.key,
		"hive.metastore.glue.aws-secret-key":        p.secret,
		"hive.metastore.glue.default-warehouse-dir": "s3://lake/tables",
		"hive.non-managed-table-writes-enabled":     "true", // our tables are external ones
	}
}

func (p places) prestoProperties() map[string]string {
	env, all := s3test.Environment(), p.properties()
	maps.Copy(all, map[string]string{
		"connector.name":                "hive-hadoop2",
		"hive.s3.endpoint":              p.s3,
		"hive.s3.path-style-access":     "true",
		"hive.s3.ssl.enabled":           "false",
		"hive.s3.aws-access-key":        env["AWS_ACCESS_KEY_ID"],
		"hive.s3.aws-secret-key":        env["AWS_SECRET_ACCESS_KEY"],
		"hive.parquet.use-column-names": "true", // by position is its default: files have columns in another order
		"hive.time-zone":                "UTC",
		"hive.allow-add-column":         "true", // PrestoDB's security forbids these unless told
		"hive.allow-drop-table":         "true",
		// As hive.metastore.glue.assume-canonical-partition-keys of Trino.
		"hive.assume-canonical-partition-keys": "true",
	})
	return all
}

func (p places) trinoProperties() map[string]string {
	env, all := s3test.Environment(), p.properties()
	maps.Copy(all, map[string]string{
		"connector.name":           "hive",
		"fs.native-s3.enabled":     "true",
		"s3.endpoint":              p.s3,
		"s3.region":                s3test.Region,
		"s3.path-style-access":     "true",
		"s3.aws-access-key":        env["AWS_ACCESS_KEY_ID"],
		"s3.aws-secret-key":        env["AWS_SECRET_ACCESS_KEY"],
		"hive.timestamp-precision": "MICROSECONDS", // milliseconds are its default
		// Else conditions on keys that are no strings are not sent to the catalog. Hours and
		// the like are 7 in our paths, never 07.
		"hive.metastore.glue.assume-canonical-partition-keys": "true",
	})
	return all
}

func startPresto(ctx context.Context, c cache, dir string, p places) (*coordinator, error) {
	home, err := c.server(ctx, "presto-"+prestoVersion, "com.facebook.presto:presto-server:"+prestoVersion+":tar.gz", "lib", "plugin/hive-hadoop2")
	if err != nil {
		return nil, err
	}
	if err := newerASM(ctx, c, home); err != nil {
		return nil, err
	}
	java, _, err := java(17, 21)
	if err != nil {
		return nil, err
	}
	args := []string{"-Dcatalog.config-dir=" + filepath.Join(dir, "catalog")}
	for _, pkg := range strings.Fields("java.io java.lang java.lang.reflect java.net java.nio java.util java.util.concurrent sun.nio.ch") {
		args = append(args, "--add-opens=java.base/"+pkg+"=ALL-UNNAMED")
	}
	return startCoordinator(ctx, launch{
		name: "presto", version: prestoVersion, java: java, home: home, dir: dir, catalogs: catalogs(p, places.prestoProperties), args: args,
		class:  "com.facebook.presto.server.PrestoServer",
		config: map[string]string{"discovery-server.enabled": "true", "task.max-worker-threads": "2", "query.max-memory-per-node": "400MB", "query.max-total-memory-per-node": "600MB"},
	})
}

func startTrino(ctx context.Context, c cache, dir string, p places) (*coordinator, error) {
	home, err := c.server(ctx, "trino-"+trinoVersion, "io.trino:trino-server:"+trinoVersion+":tar.gz", "lib", "plugin/hive", "secrets-plugin")
	if err != nil {
		return nil, err
	}
	java, _, err := java(24, 25)
	if err != nil {
		return nil, err
	}
	return startCoordinator(ctx, launch{
		name: "trino", version: trinoVersion, java: java, home: home, dir: dir, catalogs: catalogs(p, places.trinoProperties),
		args: []string{"--add-modules=jdk.incubator.vector", "--sun-misc-unsafe-memory-access=allow", "--enable-native-access=ALL-UNNAMED",
			"-Dsecrets-plugin.dir=" + filepath.Join(home, "secrets-plugin"), "-Dcatalog.config-dir=" + filepath.Join(dir, "catalog")},
		class:  "io.trino.server.TrinoServer",
		config: map[string]string{"query.max-memory-per-node": "600MB", "task.max-worker-threads": "2"},
	})
}

// newerASM puts in a version of the library that reads the classes of Java 17.
func newerASM(ctx context.Context, c cache, home string) error {
	for _, name := range []string{"asm", "asm-tree", "asm-analysis", "asm-util"} {
		jar, err := c.artifact(ctx, "org.ow2.asm:"+name+":"+asmVersion, false)
		if err != nil {
			return err
		}
		for _, folder := range []string{"lib", "plugin/hive-hadoop2"} {
			old, err := filepath.Glob(filepath.Join(home, folder, name+"-[0-9]*.jar"))
			if err != nil {
				return err
			}
			for _, path := range old {
				if err := os.Remove(path); err != nil {
					return err
				}
			}
			if err := os.Link(jar, filepath.Join(home, folder, filepath.Base(jar))); err != nil {
				return err
			}
		}
	}
	return nil
}

// A launch is how a coordinator is started.
type launch struct {
	name, version, java, home, dir, class string
	args                                  []string          // of Java
	config                                map[string]string // properties
	catalogs                              map[string]map[string]string
}

// catalogs are those that an engine gets, with their properties.
func catalogs(p places, properties func(places) map[string]string) map[string]map[string]string {
	less := p
	less.key, less.secret = readerID, readerSecret
	return map[string]map[string]string{catalogName: properties(p), reader: properties(less)}
}

func startCoordinator(ctx context.Context, l launch) (*coordinator, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	maps.Copy(l.config, map[string]string{"coordinator": "true", "node-scheduler.include-coordinator": "true", "http-server.http.port": fmt.Sprint(port), "discovery.uri": url})
	config := filepath.Join(l.dir, "config.properties")
	if err := writeProperties(config, l.config); err != nil {
		return nil, err
	}
	for name, of := range l.catalogs {
		if err := writeProperties(filepath.Join(l.dir, "catalog", name+".properties"), of); err != nil {
			return nil, err
		}
	}
	args := append([]string{"-n", "10", l.java, "-cp", filepath.Join(l.home, "lib", "*"), "-Xmx2G", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError",
		"-Dfile.encoding=UTF-8", "-Duser.timezone=UTC", "-Djdk.attach.allowAttachSelf=true", "-Dnode.environment=test", "-Dnode.id=one",
		"-Dnode.data-dir=" + filepath.Join(l.dir, "data"), "-Dconfig=" + config, "-Dplugin.dir=" + filepath.Join(l.home, "plugin"),
		"-Dnode.bind-ip=127.0.0.1", "-Dnode.internal-address=127.0.0.1"}, l.args...)
	cmd := exec.Command("nice", append(args, l.class)...)
	cmd.Dir = l.dir
	p, err := start(cmd, filepath.Join(l.dir, "log"))
	if err != nil {
		return nil, err
	}
	if err := p.await(ctx, func(line string) bool { return strings.Contains(line, "SERVER STARTED") }); err != nil {
		p.stop()
		return nil, fmt.Errorf("start %s: %w", l.name, err)
	}
	return &coordinator{process: p, name: l.name, version: l.version, Server: prestotest.Server{URL: url, Trino: l.name == "trino", Catalog: catalogName, Schema: "shop"}}, nil
}

func writeProperties(path string, of map[string]string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(of)) {
		fmt.Fprintf(&b, "%s=%s\n", name, of[name])
	}
	return os.WriteFile(path, []byte(b.String()), 0o600)
}
