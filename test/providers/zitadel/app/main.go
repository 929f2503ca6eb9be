// ZITADEL's OpenID Connect library with its example storage in memory, and with what ZITADEL itself
// adds to the token exchange: a user id as the subject, which needs an actor, and JWTs as answers.
package main

import (
	"context"
	"errors"
	"log"
	"net/http"
	"os"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

const userID = oidc.TokenType("urn:zitadel:params:oauth:token-type:user_id")

type zitadel struct {
	*storage.Storage
	users storage.UserStore
}

func (z zitadel) VerifyExchangeSubjectToken(_ context.Context, token string, tokenType oidc.TokenType) (string, string, map[string]any, error) {
	if tokenType != userID || z.users.GetUserByID(token) == nil {
		return "", "", nil, errors.New("no such user")
	}
	return token, token, nil, nil
}

func (z zitadel) VerifyExchangeActorToken(context.Context, string, oidc.TokenType) (string, string, map[string]any, error) {
	return "", "", nil, errors.New("only our own tokens")
}

func (z zitadel) ValidateTokenExchangeRequest(ctx context.Context, request op.TokenExchangeRequest) error {
	if request.GetExchangeSubjectTokenType() == userID && request.GetExchangeActor() == "" {
		return oidc.ErrInvalidRequest().WithDescription("actor_token missing")
	}
	if request.GetRequestedTokenType() == oidc.JWTTokenType {
		request.SetRequestedTokenType(oidc.AccessTokenType)
	}
	return z.Storage.ValidateTokenExchangeRequest(ctx, request)
}

type jwtClient struct{ op.Client }

func (jwtClient) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeJWT }

func (z zitadel) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	client, err := z.Storage.GetClientByClientID(ctx, id)
	return jwtClient{client}, err
}

func main() {
	issuer, address, file, secret := os.Args[1], os.Args[2], os.Args[3], os.Getenv("CLIENT_SECRET")
	users, err := storage.StoreFromFile(file)
	if err != nil {
		log.Fatal(err)
	}
	oidc.AllTokenTypes = append(oidc.AllTokenTypes, userID)
	storage.RegisterClients(storage.WebClient("259254409320529922@portal", secret))
	store := zitadel{storage.NewStorage(users), users}
	log.Fatal(http.ListenAndServe(address, exampleop.SetupServer(issuer, store, nil, false)))
}
