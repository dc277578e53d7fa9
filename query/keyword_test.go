package query

import "testing"

func TestUnreserve(t *testing.T) {
	for in, want := range map[string]string{
		"select * from default.t":                         "select * from d_f_u_t.t",
		"select * from DEFAULT . t":                       "select * from d_f_u_t . t",
		"select * from lake.default.t join \nDefault.u":   "select * from lake.d_f_u_t.t join \nd_f_u_t.u",
		`select 'default.x', "default.y" from default.t`:  `select 'default.x', "default.y" from d_f_u_t.t`,
		"select 1 -- default.t\nfrom x /* default.t */":   "select 1 -- default.t\nfrom x /* default.t */",
		"select default, my_default.x, defaults.y from t": "select default, my_default.x, defaults.y from t",
		"select d_f_u_t from default.t":                   "select d_f_u_t from default.t",
		"select 'it''s default.' || default.t.a":          "select 'it''s default.' || d_f_u_t.t.a",
	} {
		got, replaced := unreserve(in)
		if got != want || replaced != (in != want) {
			t.Errorf("unreserve(%q) = %q, %v, want %q", in, got, replaced, want)
		}
	}
}
