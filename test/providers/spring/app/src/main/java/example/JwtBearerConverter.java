// Recognises a token request with the grant jwt-bearer (RFC 7523).
package example;

import jakarta.servlet.http.HttpServletRequest;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.security.oauth2.core.AuthorizationGrantType;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.core.OAuth2Error;
import org.springframework.security.oauth2.core.OAuth2ErrorCodes;
import org.springframework.security.oauth2.server.authorization.authentication.OAuth2AuthorizationGrantAuthenticationToken;
import org.springframework.security.web.authentication.AuthenticationConverter;

class JwtBearerConverter implements AuthenticationConverter {
  /** The assertion of an authenticated client. */
  static class JwtBearerGrant extends OAuth2AuthorizationGrantAuthenticationToken {
    final String assertion;
    final Set<String> scopes;

    JwtBearerGrant(Authentication client, String assertion, Set<String> scopes) {
      super(AuthorizationGrantType.JWT_BEARER, client, Map.of("assertion", assertion));
      this.assertion = assertion;
      this.scopes = scopes;
    }
  }

  @Override
  public Authentication convert(HttpServletRequest request) {
    if (!AuthorizationGrantType.JWT_BEARER.getValue().equals(request.getParameter("grant_type"))) return null;
    String[] assertions = request.getParameterValues("assertion");
    if (assertions == null || assertions.length != 1) {
      throw new OAuth2AuthenticationException(
          new OAuth2Error(OAuth2ErrorCodes.INVALID_REQUEST, "exactly one assertion is required", null));
    }
    String scope = request.getParameter("scope");
    Set<String> scopes =
        scope == null ? Set.of() : Arrays.stream(scope.split(" ")).collect(Collectors.toUnmodifiableSet());
    Authentication client = SecurityContextHolder.getContext().getAuthentication();
    return new JwtBearerGrant(client, assertions[0], scopes);
  }
}
