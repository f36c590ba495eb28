//go:build tools

// Package cli pins the pulumi command and its engine, so that go.sum verifies every module of the build.
package cli

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
