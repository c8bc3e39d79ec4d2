// What every page loads: letters the device lacks, the remote control's arrows,
// parts that stay fresh, lessons put together, smaller photos, the guide's way to the present, and the site as an app.
import { startApp } from "./app";
import { startEnrolling } from "./enrolling";
import { startEvening } from "./evening";
import { fetchMissingLetters } from "./letters";
import { startNavigation } from "./navigation";
import { showPresent } from "./present";
import { startRefresh } from "./refresh";
import { startReminders } from "./remind";
import { startShrinking } from "./shrink";

fetchMissingLetters();
startNavigation();
startRefresh();
showPresent();
startApp();
startEnrolling();
startEvening();
startReminders();
startShrinking();
