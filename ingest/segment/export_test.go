package segment

var (
	ParseTime  = parseTime
	AppendTime = appendTime
)
