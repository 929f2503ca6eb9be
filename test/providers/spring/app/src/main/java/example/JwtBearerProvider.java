// Verifies the assertion, looks up the user, and issues an access token for that user.
package example;

import example.JwtBearerConverter.JwtBearerGrant;
import java.util.Set;
import org.springframework.security.authentication.AuthenticationProvider;
import org.springframework.security.authentication.UsernamePasswordAuthenticationToken;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.userdetails.UserDetails;
import org.springframework.security.core.userdetails.UserDetailsService;
import org.springframework.security.core.userdetails.UsernameNotFoundException;
import org.springframework.security.oauth2.core.AuthorizationGrantType;
import org.springframework.security.oauth2.core.OAuth2AccessToken;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.core.OAuth2Error;
import org.springframework.security.oauth2.core.OAuth2ErrorCodes;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtException;
import org.springframework.security.oauth2.server.authorization.OAuth2Authorization;
import org.springframework.security.oauth2.server.authorization.OAuth2AuthorizationService;
import org.springframework.security.oauth2.server.authorization.OAuth2TokenType;
import org.springframework.security.oauth2.server.authorization.authentication.OAuth2AccessTokenAuthenticationToken;
import org.springframework.security.oauth2.server.authorization.authentication.OAuth2ClientAuthenticationToken;
import org.springframework.security.oauth2.server.authorization.client.RegisteredClient;
import org.springframework.security.oauth2.server.authorization.context.AuthorizationServerContextHolder;
import org.springframework.security.oauth2.server.authorization.token.DefaultOAuth2TokenContext;
import org.springframework.security.oauth2.server.authorization.token.JwtGenerator;

class JwtBearerProvider implements AuthenticationProvider {
  private final JwtDecoder decoder;
  private final UserDetailsService users;
  private final OAuth2AuthorizationService authorizations;
  private final JwtGenerator tokens;

  JwtBearerProvider(
      JwtDecoder decoder, UserDetailsService users, OAuth2AuthorizationService authorizations, JwtGenerator tokens) {
    this.decoder = decoder;
    this.users = users;
    this.authorizations = authorizations;
    this.tokens = tokens;
  }

  @Override
  public boolean supports(Class<?> authentication) {
    return JwtBearerGrant.class.isAssignableFrom(authentication);
  }

  @Override
  public Authentication authenticate(Authentication authentication) {
    JwtBearerGrant grant = (JwtBearerGrant) authentication;
    if (!(grant.getPrincipal() instanceof OAuth2ClientAuthenticationToken client) || !client.isAuthenticated()) {
      throw refused(OAuth2ErrorCodes.INVALID_CLIENT, null);
    }
    RegisteredClient registered = client.getRegisteredClient();
    if (!registered.getAuthorizationGrantTypes().contains(AuthorizationGrantType.JWT_BEARER)) {
      throw refused(OAuth2ErrorCodes.UNAUTHORIZED_CLIENT, null);
    }
    Set<String> scopes = grant.scopes;
    if (!registered.getScopes().containsAll(scopes)) throw refused(OAuth2ErrorCodes.INVALID_SCOPE, null);

    UserDetails user = userOf(verify(grant.assertion));
    Authentication principal = UsernamePasswordAuthenticationToken.authenticated(user, null, user.getAuthorities());
    Jwt token =
        tokens.generate(
            DefaultOAuth2TokenContext.builder()
                .registeredClient(registered)
                .principal(principal)
                .authorizationServerContext(AuthorizationServerContextHolder.getContext())
                .authorizedScopes(scopes)
                .tokenType(OAuth2TokenType.ACCESS_TOKEN)
                .authorizationGrantType(AuthorizationGrantType.JWT_BEARER)
                .authorizationGrant(grant)
                .build());
    OAuth2AccessToken accessToken =
        new OAuth2AccessToken(
            OAuth2AccessToken.TokenType.BEARER, token.getTokenValue(), token.getIssuedAt(), token.getExpiresAt(), scopes);
    authorizations.save(
        OAuth2Authorization.withRegisteredClient(registered)
            .principalName(user.getUsername())
            .authorizationGrantType(AuthorizationGrantType.JWT_BEARER)
            .authorizedScopes(scopes)
            .accessToken(accessToken)
            .build());
    return new OAuth2AccessTokenAuthenticationToken(registered, client, accessToken);
  }

  private Jwt verify(String assertion) {
    try {
      return decoder.decode(assertion);
    } catch (JwtException error) {
      throw refused(OAuth2ErrorCodes.INVALID_GRANT, error.getMessage());
    }
  }

  private UserDetails userOf(Jwt assertion) {
    UserDetails user;
    try {
      user = users.loadUserByUsername(assertion.getSubject());
    } catch (UsernameNotFoundException error) {
      throw refused(OAuth2ErrorCodes.INVALID_GRANT, "User not found");
    }
    if (!user.isEnabled()) throw refused(OAuth2ErrorCodes.INVALID_GRANT, "User is disabled");
    return user;
  }

  private static OAuth2AuthenticationException refused(String code, String description) {
    return new OAuth2AuthenticationException(new OAuth2Error(code, description, null));
  }
}
