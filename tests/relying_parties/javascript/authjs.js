// An Express application with Auth.js, set up as its documentation says. `authjs.js PORT` serves it.
import express from "express";
import { ExpressAuth, getSession } from "@auth/express";

const { ISSUER, SECRET } = process.env;
const config = {
  trustHost: true,
  secret: "only for this test",
  providers: [
    { id: "lanyard", name: "Lanyard", type: "oidc", issuer: ISSUER, clientId: "default.authjs", clientSecret: SECRET },
  ],
};

const app = express();
app.use("/auth/*", ExpressAuth(config));
app.get("/", async (request, response) => {
  const session = await getSession(request, config);
  response.send(`signed in: ${JSON.stringify(session?.user ?? null)}`);
});
app.listen(Number(process.argv[2]), "localhost");
