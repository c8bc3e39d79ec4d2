// What every page loads: the remote control's arrows, parts that stay fresh,
// the guide's way to the present, and the site as an app.
import { startApp } from "./app";
import { startNavigation } from "./navigation";
import { showPresent } from "./present";
import { startRefresh } from "./refresh";

startNavigation();
startRefresh();
showPresent();
startApp();
