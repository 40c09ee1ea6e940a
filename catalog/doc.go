// Package catalog holds who and what svcdown knows: clusters, services, people, roles and policies, read from strict YAML.
package catalog
