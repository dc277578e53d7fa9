package configs

import (
	"encoding/hex"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

var (
	keyName     = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,64}$`)
	accessKeyID = regexp.MustCompile(`^[a-zA-Z0-9_]{1,128}$`)
	envVariable = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]{0,127}$`)
	namePattern = regexp.MustCompile(`^[a-zA-Z0-9_.*-]{1,64}$`)
)

// access checks who may come in. Its messages never repeat what may be a secret
// in the wrong place.
func (k *checker) access(c Config) {
	switch t := c.TLS; {
	case t.Cert != "" && t.Key == "":
		k.add("tls.key", "is missing; want the file of the private key of tls.cert")
	case t.Cert == "" && t.Key != "":
		k.add("tls.cert", "is missing; want the file of the certificate of tls.key")
	case t.Cert == "" && t.ClientCA != "":
		k.add("tls.client_ca", "needs tls.cert and tls.key: only over TLS does a client show a certificate")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Keys)) {
		at := "keys." + name
		if !keyName.MatchString(name) {
			k.add(at, "%q cannot name a key; want 1 to 64 of a–z, A–Z, 0–9, _, . and -", shorten(name))
		}
		k.key(at, c.Keys[name], c.TLS)
	}
	k.twice("sha256", c.Keys, func(key Key) string { return strings.ToLower(key.SHA256) })
	k.twice("access_key_id", c.Keys, func(key Key) string { return key.AccessKeyID })
	k.twice("certificate", c.Keys, func(key Key) string { return strings.ToLower(key.Certificate) })
}

// exposed checks that a listener which other machines reach knows its callers.
func (k *checker) exposed(c Config, host string) {
	if !isLoopback(host) && !c.Authenticates() && !c.Access.Insecure {
		k.add("listen", "%s can be reached from other machines, and nobody is authenticated: listen on 127.0.0.1, or give keys (sluice keys new makes one), or require client certificates (tls.client_ca); access.insecure: true leaves it open", c.Listen)
	}
}

// key checks one key.
func (k *checker) key(at string, key Key, t TLS) {
	if key.SHA256 == "" && key.AccessKeyID == "" && key.Certificate == "" {
		k.add(at, "has nothing to know its owner by; want sha256 (sluice keys new makes one), access_key_id with its secret, or certificate")
	}
	if b, err := hex.DecodeString(key.SHA256); key.SHA256 != "" && (err != nil || len(b) != 32) {
		k.add(at+".sha256", "is not the 64 hexadecimal digits of a SHA-256; sluice keys hash makes them of a key")
	}
	k.secret(at, key)
	if key.Certificate != "" && t.ClientCA == "" {
		k.add(at+".certificate", "needs tls.client_ca, the file of the authorities that sign client certificates")
	}
	if key.Source != "" && !segmentSource.MatchString(key.Source) {
		k.add(at+".source", "found %q, want 1 to 32 of a–z, A–Z, 0–9, _ and -", shorten(key.Source))
	}
	if key.Source != "" && (key.Admin || len(key.Query) > 0 || len(key.Modify) > 0) {
		k.add(at+".source", "makes this a Segment write key, which every browser shows: it can have neither admin nor query nor modify")
	}
	k.patterns(at+".write", key.Write)
	k.patterns(at+".query", key.Query)
	k.patterns(at+".modify", key.Modify)
	if len(key.Modify) > 0 && len(key.Query) == 0 && !key.Admin && key.Source == "" {
		k.add(at+".modify", "is for databases that may be queried too; want them in query")
	}
	walk(reflect.ValueOf(key), "", func(name string, v reflect.Value) {
		if r, ok := rules[join("keys.*", name)]; ok {
			if text := r.check(v); text != "" {
				k.add(join(at, name), "%s", text)
			}
		}
	})
}

// secret checks where the secret of signed requests is kept.
func (k *checker) secret(at string, key Key) {
	switch {
	case key.AccessKeyID == "" && (key.SecretFile != "" || key.SecretEnv != ""):
		k.add(at+".access_key_id", "is missing; want the id that belongs to the secret")
	case key.AccessKeyID == "":
	case !accessKeyID.MatchString(key.AccessKeyID):
		k.add(at+".access_key_id", "want letters and digits, such as AKIAIOSFODNN7EXAMPLE")
	case (key.SecretFile == "") == (key.SecretEnv == ""):
		k.add(at, "want one of secret_file and secret_env: where the secret of access_key_id is kept")
	case key.SecretEnv != "" && (!envVariable.MatchString(key.SecretEnv) || strings.HasPrefix(key.SecretEnv, EnvPrefix)):
		k.add(at+".secret_env", "is not the name of a variable; want one such as BOOKSTORE_SECRET, which does not begin with "+EnvPrefix)
	}
}

func (k *checker) patterns(at string, patterns []string) {
	for i, p := range patterns {
		if !namePattern.MatchString(p) {
			k.add(fmt.Sprintf("%s[%d]", at, i), "found %q, want a name, in which * stands for any characters", shorten(p))
		}
	}
}

// twice finds what proves the identity of two keys: one would never be found.
func (k *checker) twice(field string, keys map[string]Key, proof func(Key) string) {
	first := make(map[string]string)
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		p := proof(keys[name])
		if other, taken := first[p]; p != "" && taken {
			k.add("keys."+name+"."+field, "is that of keys.%s too", other)
			continue
		}
		first[p] = name
	}
}
