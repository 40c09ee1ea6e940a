package k8sops

import (
	"context"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/svcdown/svcdown/redact"
)

// identifyQPS bounds how many tokens a second are asked about; twice as many may come at once.
const identifyQPS = 20

// Identify asks the API server whose token it is (TokenReview). A token that is not valid is an error of kind Unauthenticated. The token is
// neither kept nor written anywhere.
func (c *Cluster) Identify(ctx context.Context, token string) (username string, groups []string, err error) {
	const op = "check a token"
	invalid := &Error{Kind: Unauthenticated, Op: op, Object: c.name, Message: redact.Const("The cluster does not know this token, or it has expired.")}
	if token == "" {
		return "", nil, invalid
	}
	ctx, cancel := context.WithTimeout(ctx, c.o.CallTimeout)
	defer cancel()
	r, err := c.tokens.TokenReviews().Create(ctx,
		&authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token}}, metav1.CreateOptions{})
	if err != nil {
		return "", nil, apiError(op, c.name, err)
	}
	if !r.Status.Authenticated || r.Status.User.Username == "" {
		return "", nil, invalid
	}
	return r.Status.User.Username, r.Status.User.Groups, nil
}

// CanI asks the API server whether our own account may do verb on a resource ("" is the core group), and why or why not in its words.
func (c *Cluster) CanI(ctx context.Context, verb, group, resource, subresource, namespace string) (bool, string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.CallTimeout)
	defer cancel()
	r, err := c.client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
			Verb: verb, Group: group, Resource: resource, Subresource: subresource, Namespace: namespace,
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		return false, "", apiError("ask whether we may "+verb+" "+resource, c.name, err)
	}
	return r.Status.Allowed, redact.Clean(r.Status.Reason).String(), nil
}
