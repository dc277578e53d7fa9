package embedded

// Operations are the names of all.
func Operations() []string {
	var names []string
	for name := range operations {
		names = append(names, name)
	}
	return names
}
