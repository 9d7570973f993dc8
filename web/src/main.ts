/** Starts the page. */
import { mount } from "svelte";
import App from "./App.svelte";
import { onSignedOut } from "./api/client";
import { followLogouts, toLogin } from "./api/login";
import { applyTheme, keptTheme } from "./appearance/theme";
import { attention } from "./attention/attention.svelte";
import { renew } from "./attention/notify";
import { followNotices } from "./attention/push";
import { caller } from "./caller/caller.svelte";
import { language } from "./i18n/i18n";
import { applyColours, keptColours } from "./terminal/theme";
import "@xterm/xterm/css/xterm.css";
import "./terminal/font/symbols.css";
import "./style/tokens.css";
import "./style/base.css";
import "./style/controls.css";

document.documentElement.lang = language;
applyTheme(keptTheme());
applyColours(keptColours());
onSignedOut(toLogin);
followLogouts();
attention.start();

const target = document.getElementById("app");
if (!target) throw new Error("index.html has no #app");
followNotices((project) => attention.seen.sees(project));
void caller.load().then(() => {
  mount(App, { target });
  void renew(language, caller.operates);
});
