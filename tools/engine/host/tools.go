//go:build tools

// Package host pins the Python language host; v3.79.0 is the last published module that contains it.
package host

import _ "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python"
