package configs_test

import (
	"errors"
	"strings"
	"testing"

	"sluice/configs"
)

func TestAccess(t *testing.T) {
	type change = func(c *configs.Config)
	hash := strings.Repeat("0a", 32)
	key := func(k configs.Key) change {
		return func(c *configs.Config) { c.Keys = map[string]configs.Key{"k": k} }
	}
	exposed := func(listen string, more ...change) change {
		return func(c *configs.Config) {
			c.Listen = listen
			for _, m := range more {
				m(c)
			}
		}
	}
	tls := func(t configs.TLS) change {
		return func(c *configs.Config) {
			t.MinVersion = "1.2"
			if t.ClientAuth == "" {
				t.ClientAuth = configs.ClientAuthRequire
			}
			c.TLS = t
		}
	}
	mutual := configs.TLS{Cert: "c", Key: "k", ClientCA: "ca"}
	optional := mutual
	optional.ClientAuth = configs.ClientAuthOptional
	for name, tc := range map[string]struct {
		change     change
		path, text string
	}{
		"loopback":              {exposed("127.0.0.2:1"), "", ""},
		"localhost":             {exposed("localhost:1"), "", ""},
		"IPv6 loopback":         {exposed("[::1]:1"), "", ""},
		"every address":         {exposed("0.0.0.0:1"), "listen", "nobody is authenticated"},
		"every IPv6 address":    {exposed("[::]:1"), "listen", "nobody is authenticated"},
		"an address":            {exposed("10.0.0.1:1"), "listen", "nobody is authenticated"},
		"a name":                {exposed("sluice.example.com:1"), "listen", "nobody is authenticated"},
		"TLS alone":             {exposed(":1", tls(configs.TLS{Cert: "c", Key: "k"})), "listen", "nobody is authenticated"},
		"optional certificates": {exposed(":1", tls(optional)), "listen", "nobody is authenticated"},
		"required certificates": {exposed(":1", tls(mutual)), "", ""},
		"insecure":              {exposed(":1", func(c *configs.Config) { c.Access.Insecure = true }), "", ""},
		"exposed with a key":    {exposed(":1", key(configs.Key{SHA256: hash})), "", ""},
		"cert without key":      {tls(configs.TLS{Cert: "c"}), "tls.key", "missing"},
		"key without cert":      {tls(configs.TLS{Key: "k"}), "tls.cert", "missing"},
		"client_ca alone":       {tls(configs.TLS{ClientCA: "c"}), "tls.client_ca", "needs tls.cert"},
		"version":               {func(c *configs.Config) { c.TLS.MinVersion = "1.1" }, "tls.min_version", "1.2, 1.3"},
		"metrics":               {func(c *configs.Config) { c.Access.Metrics = "all" }, "access.metrics", "admin, open"},
		"a key":                 {key(configs.Key{SHA256: hash, Write: []string{"a", "web-*", "*"}, Query: []string{"shop_*"}}), "", ""},
		"no proof":              {key(configs.Key{Admin: true}), "keys.k", "nothing to know its owner by"},
		"short hash":            {key(configs.Key{SHA256: hash[2:]}), "keys.k.sha256", "64 hexadecimal"},
		"no hash":               {key(configs.Key{SHA256: "sluice_xyzzy"}), "keys.k.sha256", "64 hexadecimal"},
		"id without secret":     {key(configs.Key{AccessKeyID: "AKID"}), "keys.k", "one of secret_file and secret_env"},
		"two secrets":           {key(configs.Key{AccessKeyID: "AKID", SecretFile: "f", SecretEnv: "V"}), "keys.k", "one of secret_file and secret_env"},
		"secret without id":     {key(configs.Key{SHA256: hash, SecretFile: "f"}), "keys.k.access_key_id", "missing"},
		"odd id":                {key(configs.Key{AccessKeyID: "xyzzy/", SecretFile: "f"}), "keys.k.access_key_id", "letters and digits"},
		"secret for variable":   {key(configs.Key{AccessKeyID: "AKID", SecretEnv: "xyzzy/+="}), "keys.k.secret_env", "not the name of a variable"},
		"our variable":          {key(configs.Key{AccessKeyID: "AKID", SecretEnv: "SLUICE_X"}), "keys.k.secret_env", "does not begin with SLUICE_"},
		"certificate":           {key(configs.Key{Certificate: "a"}), "keys.k.certificate", "needs tls.client_ca"},
		"Segment":               {key(configs.Key{SHA256: hash, Source: "web"}), "", ""},
		"Segment and query":     {key(configs.Key{SHA256: hash, Source: "web", Query: []string{"a"}}), "keys.k.source", "every browser"},
		"Segment and modify":    {key(configs.Key{SHA256: hash, Source: "web", Modify: []string{"a"}}), "keys.k.source", "every browser"},
		"modify unseen":         {key(configs.Key{SHA256: hash, Modify: []string{"a"}}), "keys.k.modify", "want them in query"},
		"Segment and admin":     {key(configs.Key{SHA256: hash, Source: "web", Admin: true}), "keys.k.source", "every browser"},
		"Segment source":        {key(configs.Key{SHA256: hash, Source: "a b"}), "keys.k.source", "want 1 to"},
		"pattern":               {key(configs.Key{SHA256: hash, Write: []string{"a", "b?"}}), "keys.k.write[1]", "* stands for"},
		"empty pattern":         {key(configs.Key{SHA256: hash, Query: []string{""}}), "keys.k.query[0]", "* stands for"},
		"rate":                  {key(configs.Key{SHA256: hash, RecordsPerSecond: -1}), "keys.k.records_per_second", "found -1"},
		"bytes":                 {key(configs.Key{SHA256: hash, BytesPerSecond: -1}), "keys.k.bytes_per_second", "found -1"},
		"quota":                 {key(configs.Key{SHA256: hash, BytesPerDay: -1}), "keys.k.bytes_per_day", "found -1"},
		"name":                  {func(c *configs.Config) { c.Keys = map[string]configs.Key{"a b": {SHA256: hash}} }, "keys.a b", "cannot name a key"},
		"one hash": {func(c *configs.Config) {
			c.Keys = map[string]configs.Key{"a": {SHA256: hash}, "b": {SHA256: strings.ToUpper(hash)}}
		}, "keys.b.sha256", "that of keys.a too"},
		"one id": {func(c *configs.Config) {
			c.Keys = map[string]configs.Key{"a": {AccessKeyID: "X", SecretEnv: "V"}, "b": {AccessKeyID: "X", SecretEnv: "V"}}
		}, "keys.b.access_key_id", "that of keys.a too"},
		"one certificate": {exposed(":1", tls(mutual), func(c *configs.Config) {
			c.Keys = map[string]configs.Key{"a": {Certificate: "X"}, "b": {Certificate: "x"}}
		}), "keys.b.certificate", "that of keys.a too"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := configs.Default()
			tc.change(&cfg)
			err := cfg.Validate()
			var faults configs.Faults
			switch {
			case tc.path == "" && err != nil:
				t.Error(err)
			case tc.path != "" && (!errors.As(err, &faults) || len(faults) != 1 || faults[0].Path != tc.path || !strings.Contains(faults[0].Text, tc.text)):
				t.Errorf("got %v, want one fault of %s with %q", err, tc.path, tc.text)
			case err != nil && strings.Contains(err.Error(), "xyzzy"):
				t.Errorf("what may be a secret is in %v", err)
			}
		})
	}
}

// Faults of keys are found in the file, and all keys may come by one variable.
func TestLoadKeys(t *testing.T) {
	_, err := load(t, "keys:\n  shop:\n    sha: 00\n    admin: true\n  b:\n    write: [x]\n")
	if want := "sluice.yaml:3: keys.shop.sha: unknown setting; did you mean sha256?"; err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "sluice.yaml:5: keys.b: has nothing to know") {
		t.Errorf("got %v, want %s", err, want)
	}
	cfg, err := load(t, "keys: {a: {}}\n", "SLUICE_KEYS={b: {sha256: "+strings.Repeat("00", 32)+", bytes_per_second: 1MiB}}")
	if err != nil || len(cfg.Keys) != 1 || cfg.Keys["b"].BytesPerSecond != configs.MiB {
		t.Errorf("%v %v", cfg.Keys, err)
	}
	_, err = configs.Load("", []string{"SLUICE_KEYS_B_SHA256=x"})
	if want := "SLUICE_KEYS_B_SHA256: unknown variable; keys have no variable each; SLUICE_KEYS holds all of them as inline YAML"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
