package configs

// Athena is where `sluice query --engine athena` sends statements; credentials come
// from the AWS chain.
type Athena struct {
	Workgroup string `yaml:"workgroup"` // empty: primary
	// Output is where Athena puts answers, s3://bucket/prefix/; empty: as the workgroup
	// says.
	Output   string `yaml:"output"`
	Catalog  string `yaml:"catalog"` // data source; empty: AwsDataCatalog
	Endpoint string `yaml:"endpoint"`
	Region   string `yaml:"region"` // empty: as for s3
}

// Trino is where `sluice query --engine trino` sends statements.
type Trino struct {
	Server  string `yaml:"server"` // http(s)://host[:port]
	User    string `yaml:"user"`   // empty: that of the operating system
	Catalog string `yaml:"catalog"`
	// PasswordFile holds the password; empty: the variable SLUICE_TRINO_PASSWORD, or none.
	PasswordFile string `yaml:"password_file"`
}
