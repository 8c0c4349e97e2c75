// Words of the sign-in form, loaded with it.
import { type Locale, useWords } from "../ui/i18n";

type SignInWords = { email: string; hint: string; wrong: string; go: string; sent: string; noMail: string; away: string; framed: string; tab: string };

const texts: Record<Locale, SignInWords> = {
  en: {
    email: "Work e-mail address",
    hint: "We take you to your organisation’s sign-in, or send you a link.",
    wrong: "Write the address like name@company.com.",
    go: "Continue",
    sent: "If this address is known here, a link is on its way. It works once, for 15 minutes. If nothing comes, look in your junk mail, or ask your administrator.",
    noMail: "We cannot send links from here. Ask your administrator or our support team for one.",
    away: "Your organisation’s sign-in cannot be reached right now. Try again in a minute; if it stays, tell your administrator.",
    framed: "Sign in, and the chat goes on here by itself. If it stays signed out, your browser keeps frames apart: use the chat in the portal.",
    tab: "Sign in in a new tab",
  },
  de: {
    email: "Geschäftliche E-Mail-Adresse",
    hint: "Wir bringen Sie zur Anmeldung Ihrer Organisation oder senden Ihnen einen Link.",
    wrong: "Schreiben Sie die Adresse wie name@firma.de.",
    go: "Weiter",
    sent: "Wenn diese Adresse hier bekannt ist, ist ein Link unterwegs. Er gilt einmal und 15 Minuten lang. Kommt nichts an, sehen Sie im Spam-Ordner nach oder fragen Sie Ihre Administration.",
    noMail: "Von hier können keine Links gesendet werden. Bitten Sie Ihre Administration oder unser Support-Team um einen.",
    away: "Die Anmeldung Ihrer Organisation ist gerade nicht erreichbar. Versuchen Sie es in einer Minute erneut; bleibt es dabei, sagen Sie Ihrer Administration Bescheid.",
    framed: "Melden Sie sich an, dann geht der Chat hier von selbst weiter. Bleibt er abgemeldet, trennt Ihr Browser eingebettete Seiten ab: Nutzen Sie dann den Chat im Portal.",
    tab: "In einem neuen Tab anmelden",
  },
  es: {
    email: "Correo electrónico del trabajo",
    hint: "Le llevamos al inicio de sesión de su organización o le enviamos un enlace.",
    wrong: "Escriba la dirección así: nombre@empresa.com.",
    go: "Continuar",
    sent: "Si conocemos esta dirección, un enlace está en camino. Funciona una sola vez, durante 15 minutos. Si no llega nada, mire en el correo no deseado o pregunte a su administrador.",
    noMail: "Desde aquí no se pueden enviar enlaces. Pida uno a su administrador o a nuestro equipo de soporte.",
    away: "El inicio de sesión de su organización no está disponible ahora. Inténtelo de nuevo en un minuto; si sigue igual, avise a su administrador.",
    framed: "Inicie sesión y el chat seguirá aquí por sí solo. Si no es así, su navegador separa las páginas incrustadas: use el chat del portal.",
    tab: "Iniciar sesión en una pestaña nueva",
  },
  fr: {
    email: "Adresse e-mail professionnelle",
    hint: "Nous vous amenons à la connexion de votre organisation ou vous envoyons un lien.",
    wrong: "Écrivez l’adresse ainsi : nom@entreprise.fr.",
    go: "Continuer",
    sent: "Si cette adresse est connue ici, un lien est en route. Il fonctionne une seule fois, pendant 15 minutes. Si rien n’arrive, regardez dans le courrier indésirable ou demandez à votre administrateur.",
    noMail: "Nous ne pouvons pas envoyer de lien d’ici. Demandez-en un à votre administrateur ou à notre équipe d’assistance.",
    away: "La connexion de votre organisation est injoignable pour le moment. Réessayez dans une minute ; si cela persiste, prévenez votre administrateur.",
    framed: "Connectez-vous, et le chat continuera ici de lui-même. S’il reste déconnecté, votre navigateur isole les pages intégrées : utilisez le chat du portail.",
    tab: "Se connecter dans un nouvel onglet",
  },
  pt: {
    email: "E-mail profissional",
    hint: "Levamo-lo ao início de sessão da sua organização ou enviamos-lhe um link.",
    wrong: "Escreva o endereço assim: nome@empresa.pt.",
    go: "Continuar",
    sent: "Se este endereço for conhecido aqui, um link vai a caminho. Funciona uma única vez, durante 15 minutos. Se nada chegar, veja o correio não solicitado ou pergunte ao seu administrador.",
    noMail: "Não é possível enviar links daqui. Peça um ao seu administrador ou à nossa equipa de suporte.",
    away: "O início de sessão da sua organização não está acessível de momento. Tente de novo dentro de um minuto; se continuar, avise o seu administrador.",
    framed: "Inicie sessão e o chat continua aqui por si. Se não continuar, o seu navegador separa as páginas incorporadas: use o chat do portal.",
    tab: "Iniciar sessão num novo separador",
  },
};

export function useSignInWords(): SignInWords {
  return texts[useWords().language];
}
