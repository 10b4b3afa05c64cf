import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { applyStoredTheme } from "./app/theme";
import { readKeysChoice } from "./keyboard/keys";
import { locale } from "./texts";
import "./app/base.css";

document.documentElement.lang = locale;
applyStoredTheme();
readKeysChoice();
const root = document.getElementById("root");
if (root) createRoot(root).render(<App />);
