// An authorization server whose clients are in its properties, and the grant jwt-bearer beside Spring's own ones.
package example;

import com.nimbusds.jose.jwk.source.JWKSource;
import com.nimbusds.jose.proc.SecurityContext;
import java.util.Collection;
import java.util.List;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.core.annotation.Order;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.core.userdetails.UserDetailsService;
import org.springframework.security.oauth2.core.DelegatingOAuth2TokenValidator;
import org.springframework.security.oauth2.jwt.JwtClaimValidator;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtDecoders;
import org.springframework.security.oauth2.jwt.JwtValidators;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;
import org.springframework.security.oauth2.jwt.NimbusJwtEncoder;
import org.springframework.security.oauth2.jwt.SupplierJwtDecoder;
import org.springframework.security.oauth2.server.authorization.InMemoryOAuth2AuthorizationService;
import org.springframework.security.oauth2.server.authorization.OAuth2AuthorizationService;
import org.springframework.security.oauth2.server.authorization.token.JwtGenerator;
import org.springframework.security.provisioning.InMemoryUserDetailsManager;
import org.springframework.security.web.SecurityFilterChain;

@SpringBootApplication
public class AuthorizationServer {
  public static void main(String[] args) {
    SpringApplication.run(AuthorizationServer.class, args);
  }

  @Bean
  @Order(1)
  SecurityFilterChain endpoints(
      HttpSecurity http,
      UserDetailsService users,
      OAuth2AuthorizationService authorizations,
      JwtGenerator tokens,
      @Value("${bank.assertions.issuer}") String assertionIssuer,
      @Value("${spring.security.oauth2.authorizationserver.issuer}") String issuer) {
    JwtBearerProvider jwtBearer =
        new JwtBearerProvider(assertionDecoder(assertionIssuer, issuer), users, authorizations, tokens);
    http.oauth2AuthorizationServer(
        server -> {
          http.securityMatcher(server.getEndpointsMatcher());
          server.oidc(Customizer.withDefaults());
          server.tokenEndpoint(
              endpoint ->
                  endpoint
                      .accessTokenRequestConverter(new JwtBearerConverter())
                      .authenticationProvider(jwtBearer));
        });
    return http.authorizeHttpRequests(requests -> requests.anyRequest().authenticated()).build();
  }

  /** Reads the issuer's metadata and keys when the first assertion arrives. */
  private static JwtDecoder assertionDecoder(String assertionIssuer, String issuer) {
    return new SupplierJwtDecoder(
        () -> {
          NimbusJwtDecoder decoder = JwtDecoders.fromIssuerLocation(assertionIssuer);
          decoder.setJwtValidator(
              new DelegatingOAuth2TokenValidator<>(
                  JwtValidators.createDefaultWithIssuer(assertionIssuer),
                  new JwtClaimValidator<Collection<String>>(
                      "aud", audiences -> audiences != null && audiences.contains(issuer))));
          return decoder;
        });
  }

  @Bean
  OAuth2AuthorizationService authorizations() {
    return new InMemoryOAuth2AuthorizationService();
  }

  @Bean
  JwtGenerator tokens(JWKSource<SecurityContext> keys) {
    return new JwtGenerator(new NimbusJwtEncoder(keys));
  }

  @Bean
  UserDetailsService users(
      @Value("${bank.users}") List<String> enabled, @Value("${bank.disabled-users}") List<String> disabled) {
    InMemoryUserDetailsManager users = new InMemoryUserDetailsManager();
    enabled.forEach(name -> users.createUser(User.withUsername(name).password("{noop}").build()));
    disabled.forEach(name -> users.createUser(User.withUsername(name).password("{noop}").disabled(true).build()));
    return users;
  }
}
