// The entry of the village's screen.
import { startApp } from "../app";
import { startNavigation } from "../navigation";
import { startSealing } from "../taken/sealing";
import { readTv } from "./data";
import { Tv } from "./tv";

const data = readTv();
if (data !== null) {
  const tv = new Tv(data);
  startNavigation();
  void tv.start();
}
startApp(true);
startSealing();
