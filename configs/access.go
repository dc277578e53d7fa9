package configs

// TLS says how the listener speaks TLS; without a certificate it speaks plain HTTP.
type TLS struct {
	Cert       string `yaml:"cert"`        // file: the chain, PEM
	Key        string `yaml:"key"`         // file: its private key, PEM
	MinVersion string `yaml:"min_version"` // 1.2 or 1.3
	// ClientCA is a file of the authorities that sign client certificates.
	ClientCA   string `yaml:"client_ca"`
	ClientAuth string `yaml:"client_auth"` // with ClientCA: require or optional
}

// The values of TLS.ClientAuth.
const (
	ClientAuthRequire  = "require"
	ClientAuthOptional = "optional"
)

// Access says what may be done without a key.
type Access struct {
	// Insecure lets other machines reach the listener although nobody is
	// authenticated.
	Insecure bool   `yaml:"insecure"`
	Metrics  string `yaml:"metrics"` // who may read /metrics: admin or open
}

// The values of Access.Metrics.
const (
	MetricsAdmin = "admin"
	MetricsOpen  = "open"
)

// A Key is one caller: how it proves who it is, and what it may do. It holds no
// secret, but where to find one.
type Key struct {
	SHA256      string   `yaml:"sha256"`        // of the API key or Segment write key, in hex
	AccessKeyID string   `yaml:"access_key_id"` // of signed AWS requests
	SecretFile  string   `yaml:"secret_file"`   // holds the secret access key
	SecretEnv   string   `yaml:"secret_env"`    // or the variable that does
	Certificate string   `yaml:"certificate"`   // a name in the client's certificate
	Source      string   `yaml:"source"`        // of Segment, whose write key this is
	Write       []string `yaml:"write"`         // streams; * stands for any characters
	Query       []string `yaml:"query"`         // databases, likewise
	Modify      []string `yaml:"modify"`        // databases where SQL may make tables and views and add rows, likewise
	Admin       bool     `yaml:"admin"`         // everything

	RecordsPerSecond int   `yaml:"records_per_second"` // 0: no limit
	BytesPerSecond   Bytes `yaml:"bytes_per_second"`
	BytesPerDay      Bytes `yaml:"bytes_per_day"` // a day of UTC
}

// Authenticates reports whether callers must prove who they are.
func (c Config) Authenticates() bool {
	return len(c.Keys) > 0 || c.TLS.ClientCA != "" && c.TLS.ClientAuth == ClientAuthRequire
}
