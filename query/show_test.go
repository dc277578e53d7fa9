package query_test

import (
	"strings"
	"testing"

	"sluice/configs"
	"sluice/query"
)

func TestShow(t *testing.T) {
	h := newHouse(t, map[string]configs.Stream{
		"purchases": {Table: "shop.purchases", PartitionBy: []string{"dt=day(ts)"}}, "refunds": {Table: "shop.refunds", PartitionBy: []string{"dt=day(ts)"}}, "pages": {Table: "web.pages"},
	})
	h.dialect = query.Presto
	for _, s := range []string{"purchases", "refunds", "pages"} {
		h.post(s, `{"ts":"2026-01-01T00:00:00Z","user_id":1,"a":"x"}`)
	}
	h.deliver("purchases")
	for sql, want := range map[string]string{
		"SHOW CATALOGS":                                                  `"awsdatacatalog" "lake" "live"`,
		"SHOW CATALOGS LIKE 'l%'":                                        `"lake" "live"`,
		"SHOW SCHEMAS":                                                   `"shop" "web"`,
		"SHOW SCHEMAS FROM AwsDataCatalog":                               `"shop" "web"`,
		"SHOW SCHEMAS IN lake LIKE 'w%'":                                 `"web"`,
		"SHOW SCHEMAS FROM mysql":                                        "! there is no catalog mysql",
		"SHOW DATABASES LIKE 's_op'":                                     `"shop"`,
		"SHOW TABLES FROM shop":                                          `"purchases" "refunds"`,
		"SHOW TABLES IN awsdatacatalog.shop LIKE '%und%'":                `"refunds"`,
		"SHOW TABLES IN shop 'p*|x*'":                                    `"purchases"`,
		"SHOW TABLES IN shop LIKE 'p*'":                                  "",
		"SHOW TABLES IN shop LIKE":                                       "! not a name",
		"SHOW COLUMNS FROM shop.purchases LIKE 'user!_%' ESCAPE '!'":     `"user_id"|"bigint"|""`,
		"SHOW FUNCTIONS LIKE 'json_array_l%'":                            `"json_array_length"`,
		"SHOW FUNCTIONS 'json_array_l*'":                                 `"json_array_length"`,
		"SHOW FUNCTIONS shop":                                            "! nothing but LIKE",
		"SHOW CATALOGS LIKE 'a' ESCAPE 'xx'":                             "! one character",
		"SHOW CATALOGS LIKE 'a!' ESCAPE '!'":                             "! escape character",
		"SHOW NONSENSE":                                                  "! there is no such SHOW",
		"SELECT schema_name FROM information_schema.schemata ORDER BY 1": `"information_schema" "shop" "web"`,
		"SELECT table_schema, table_name, table_type FROM information_schema.tables ORDER BY 1, 2":                                                                        `"shop"|"purchases"|"BASE TABLE" "shop"|"refunds"|"BASE TABLE" "web"|"pages"|"BASE TABLE"`,
		"SELECT t.table_name FROM awsdatacatalog.information_schema.tables t WHERE table_schema = 'web'":                                                                  `"pages"`,
		"SELECT column_name, ordinal_position, data_type, extra_info FROM information_schema.columns WHERE table_schema = 'shop' AND table_name = 'purchases' ORDER BY 2": `"ts"|1|"timestamp"|null "user_id"|2|"bigint"|null "a"|3|"varchar"|null "dt"|4|"varchar"|"partition key"`,
		"SELECT count(*) FROM information_schema.columns c JOIN information_schema.tables t ON c.table_name = t.table_name":                                               "12",
		"SELECT count(*) FROM information_schema.views":                                                                                                                   "0",
		"SELECT * FROM information_schema.nope":                                                                                                                           "! there are schemata",
		"EXECUTE IMMEDIATE 'SELECT user_id FROM shop.purchases WHERE a = ? AND user_id < ?' USING 'x', 5":                                                                 "1",
		"execute immediate 'SELECT ''it''''s, '' || ?' using 'a, b' ;":                                                                                                    `"it's, a, b"`,
		"EXECUTE IMMEDIATE 'SELECT 1'":                  "1",
		"EXECUTE IMMEDIATE 'SELECT ?' USING 1, 2":       "! 2 parameters",
		"EXECUTE IMMEDIATE 'SELECT ?' USING (SELECT 1)": "! no constant",
	} {
		rows, _, err := h.query(sql)
		got := strings.Join(rows, " ")
		if message, fails := strings.CutPrefix(want, "! "); fails {
			if err == nil || !strings.Contains(err.Error(), message) {
				t.Errorf("%s: %s, %v; want an error with %q", sql, got, err, message)
			}
			continue
		}
		if err != nil || got != want {
			t.Errorf("%s\n got %s (%v)\nwant %s", sql, got, err, want)
		}
	}
}
