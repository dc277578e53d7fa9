package store

import (
	"errors"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// errorCode is the service's name for an error, "" where it gave none.
func errorCode(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// status is the HTTP status of an error, 0 where no answer came.
func status(err error) int {
	var response *awshttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}

const (
	adviseRights = "allow these credentials s3:ListBucket on the bucket and s3:GetObject, s3:PutObject, s3:DeleteObject, " +
		"s3:AbortMultipartUpload on its objects"
	adviseCredentials = "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE or another source of the AWS credential chain"
)

// advise sorts what S3 services answer. What it does not know it takes for
// passing, but for requests that the service calls faulty.
func (b *bucket) advise(err error) (advice string, retryable bool) {
	switch errorCode(err) {
	case "NoSuchBucket":
		return "create the bucket " + *b.name + ", or correct the lake's URI or s3.endpoint", false
	case "AccessDenied", "Forbidden", "AllAccessDisabled", "AccountProblem":
		return adviseRights, false
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "TokenRefreshRequired":
		return adviseCredentials, false
	case "ExpiredToken", "ExpiredTokenException":
		return "renew the credentials", true
	case "RequestTimeTooSkewed":
		return "set this machine's clock", true // as the network may, by itself
	case "PermanentRedirect", "MovedPermanently", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "IncorrectEndpoint":
		return b.adviseRegion(err), false
	case "SlowDown", "RequestTimeout", "NoSuchUpload", "OperationAborted", "InternalError", "ServiceUnavailable":
		return "", true
	}
	if errors.Is(err, errCredentials) {
		return adviseCredentials, true // an instance's role may come
	}
	switch code := status(err); {
	case code == http.StatusMovedPermanently, code == http.StatusTemporaryRedirect:
		return b.adviseRegion(err), false
	case code == http.StatusForbidden:
		return adviseRights, false
	case code == http.StatusUnauthorized:
		return adviseCredentials, false
	case code == http.StatusRequestTimeout, code == http.StatusTooManyRequests, code == http.StatusConflict, code == http.StatusPreconditionFailed:
		return "", true
	case 400 <= code && code < 500:
		return "", false
	}
	return "", true
}

// adviseRegion knows that AWS names the right region in its redirect.
func (b *bucket) adviseRegion(err error) string {
	var response *awshttp.ResponseError
	if errors.As(err, &response) && response.HTTPResponse() != nil {
		if region := response.HTTPResponse().Header.Get("X-Amz-Bucket-Region"); region != "" {
			return "set s3.region to " + region + ", where the bucket is"
		}
	}
	return "set s3.region and s3.endpoint to where the bucket is"
}
