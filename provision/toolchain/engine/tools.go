// Pins the Pulumi engine's command as a dependency, so that go.sum covers every byte it is built from.
package tools

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
