package dev.lanyard;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.core.annotation.Order;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.client.annotation.RegisteredOAuth2AuthorizedClient;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClient;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** A sign-in at {@code /}, and a resource server at {@code /api}. */
@SpringBootApplication
@RestController
public class Application {
    public static void main(String[] arguments) {
        SpringApplication.run(Application.class, arguments);
    }

    @Bean
    @Order(1)
    SecurityFilterChain api(HttpSecurity http) throws Exception {
        return http.securityMatcher("/api")
                .authorizeHttpRequests(requests -> requests.anyRequest().hasAuthority("SCOPE_profile"))
                .oauth2ResourceServer(server -> server.jwt(Customizer.withDefaults()))
                .build();
    }

    @Bean
    @Order(2)
    SecurityFilterChain login(HttpSecurity http) throws Exception {
        return http.authorizeHttpRequests(
                        requests -> requests.requestMatchers("/up").permitAll().anyRequest().authenticated())
                .oauth2Login(Customizer.withDefaults())
                .build();
    }

    @GetMapping("/up")
    String up() {
        return "up";
    }

    @GetMapping("/")
    String home(@AuthenticationPrincipal OidcUser user,
            @RegisteredOAuth2AuthorizedClient("lanyard") OAuth2AuthorizedClient client) {
        return "signed in: " + user.getEmail() + " " + user.getIdToken().getClaims().get("groups")
                + "\ntoken: " + client.getAccessToken().getTokenValue();
    }

    @GetMapping("/api")
    String api(Authentication authentication) {
        return "called by " + authentication.getName();
    }
}
