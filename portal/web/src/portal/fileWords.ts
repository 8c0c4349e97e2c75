import type { Locale } from "../ui/i18n";

type Texts = {
  attach: string;
  close: string;
  limits: string;
  unread: string;
  choose: string;
  photo: string;
  drop: string;
  waiting: string;
  sending: string;
  cancel: string;
  cancelled: string;
  remove: string;
  removed: string;
  ready: string;
  pending: string;
  infected: string;
  unchecked: string;
  large: string;
  kind: string;
  empty: string;
  many: string;
  wait: string;
  list: string;
  files: string;
  download: string;
  held: string;
  broken: string;
  kinds: string;
};

export const fileWords: Record<Locale, Texts> = {
  en: {
    attach: "Attach files",
    close: "Close",
    limits: "Up to {n} files of at most {size} each: {kinds}.",
    kinds: "PDF, images, texts and office documents",
    unread: "The assistant does not read files; the people who help you do.",
    choose: "Choose files",
    photo: "Take a photo",
    drop: "You can also drop or paste them here.",
    waiting: "waiting",
    sending: "{n} % sent",
    cancel: "Cancel sending {name}",
    cancelled: "{name} is not sent.",
    remove: "Remove {name}",
    removed: "{name} was removed.",
    ready: "checked, ready to send",
    pending: "being checked for viruses",
    infected: "removed: it did not pass the virus check",
    unchecked: "not checked for viruses",
    large: "too large ({size}); at most {limit} are possible",
    kind: "files of this type are not accepted",
    empty: "the file is empty",
    many: "A message carries at most {n} files. Send the rest with another one.",
    wait: "Files are still on their way. Wait a moment, or cancel them.",
    list: "Files to send",
    files: "Files",
    download: "Download {name}",
    held: "held back: not checked for viruses",
    broken: "held back until the virus check works again",
  },
  de: {
    attach: "Dateien anhängen",
    close: "Schließen",
    limits: "Bis zu {n} Dateien, jede höchstens {size}: {kinds}.",
    kinds: "PDF, Bilder, Texte und Office-Dokumente",
    unread: "Der Assistent liest keine Dateien; die Menschen, die Ihnen helfen, schon.",
    choose: "Dateien auswählen",
    photo: "Foto aufnehmen",
    drop: "Sie können sie auch hierher ziehen oder einfügen.",
    waiting: "wartet",
    sending: "{n} % gesendet",
    cancel: "Senden von {name} abbrechen",
    cancelled: "{name} wird nicht gesendet.",
    remove: "{name} entfernen",
    removed: "{name} wurde entfernt.",
    ready: "geprüft, bereit zum Senden",
    pending: "wird auf Viren geprüft",
    infected: "entfernt: hat die Virenprüfung nicht bestanden",
    unchecked: "nicht auf Viren geprüft",
    large: "zu groß ({size}); höchstens {limit} sind möglich",
    kind: "Dateien dieser Art werden nicht angenommen",
    empty: "die Datei ist leer",
    many: "Eine Nachricht trägt höchstens {n} Dateien. Senden Sie die übrigen mit einer weiteren.",
    wait: "Dateien sind noch unterwegs. Warten Sie einen Moment, oder brechen Sie sie ab.",
    list: "Zu sendende Dateien",
    files: "Dateien",
    download: "{name} herunterladen",
    held: "zurückgehalten: nicht auf Viren geprüft",
    broken: "zurückgehalten, bis die Virenprüfung wieder arbeitet",
  },
  es: {
    attach: "Adjuntar archivos",
    close: "Cerrar",
    limits: "Hasta {n} archivos de {size} como máximo cada uno: {kinds}.",
    kinds: "PDF, imágenes, textos y documentos de oficina",
    unread: "El asistente no lee archivos; las personas que le ayudan, sí.",
    choose: "Elegir archivos",
    photo: "Hacer una foto",
    drop: "También puede soltarlos o pegarlos aquí.",
    waiting: "en espera",
    sending: "{n} % enviado",
    cancel: "Cancelar el envío de {name}",
    cancelled: "{name} no se envía.",
    remove: "Quitar {name}",
    removed: "Se ha quitado {name}.",
    ready: "comprobado, listo para enviar",
    pending: "se está comprobando si tiene virus",
    infected: "eliminado: no superó la comprobación de virus",
    unchecked: "sin comprobar si tiene virus",
    large: "demasiado grande ({size}); el máximo es {limit}",
    kind: "no se aceptan archivos de este tipo",
    empty: "el archivo está vacío",
    many: "Un mensaje lleva como máximo {n} archivos. Envíe los demás con otro.",
    wait: "Aún se están enviando archivos. Espere un momento o cancélelos.",
    list: "Archivos por enviar",
    files: "Archivos",
    download: "Descargar {name}",
    held: "retenido: sin comprobar si tiene virus",
    broken: "retenido hasta que la comprobación de virus vuelva a funcionar",
  },
  fr: {
    attach: "Joindre des fichiers",
    close: "Fermer",
    limits: "Jusqu’à {n} fichiers de {size} au plus chacun : {kinds}.",
    kinds: "PDF, images, textes et documents bureautiques",
    unread: "L’assistant ne lit pas les fichiers ; les personnes qui vous aident, si.",
    choose: "Choisir des fichiers",
    photo: "Prendre une photo",
    drop: "Vous pouvez aussi les déposer ou les coller ici.",
    waiting: "en attente",
    sending: "{n} % envoyés",
    cancel: "Annuler l’envoi de {name}",
    cancelled: "{name} n’est pas envoyé.",
    remove: "Retirer {name}",
    removed: "{name} a été retiré.",
    ready: "vérifié, prêt à envoyer",
    pending: "recherche de virus en cours",
    infected: "supprimé : un virus a été trouvé",
    unchecked: "pas de recherche de virus",
    large: "trop volumineux ({size}) ; le maximum est de {limit}",
    kind: "les fichiers de ce type ne sont pas acceptés",
    empty: "le fichier est vide",
    many: "Un message porte au plus {n} fichiers. Envoyez les autres avec un autre message.",
    wait: "Des fichiers sont encore en cours d’envoi. Patientez un instant, ou annulez-les.",
    list: "Fichiers à envoyer",
    files: "Fichiers",
    download: "Télécharger {name}",
    held: "retenu : pas de recherche de virus",
    broken: "retenu jusqu’à ce que la recherche de virus fonctionne de nouveau",
  },
  pt: {
    attach: "Anexar ficheiros",
    close: "Fechar",
    limits: "Até {n} ficheiros de {size} no máximo cada um: {kinds}.",
    kinds: "PDF, imagens, textos e documentos Office",
    unread: "O assistente não lê ficheiros; as pessoas que o ajudam, sim.",
    choose: "Escolher ficheiros",
    photo: "Tirar uma fotografia",
    drop: "Também os pode largar ou colar aqui.",
    waiting: "em espera",
    sending: "{n} % enviado",
    cancel: "Cancelar o envio de {name}",
    cancelled: "{name} não é enviado.",
    remove: "Retirar {name}",
    removed: "{name} foi retirado.",
    ready: "verificado, pronto a enviar",
    pending: "a ser verificado contra vírus",
    infected: "removido: não passou na verificação de vírus",
    unchecked: "não verificado contra vírus",
    large: "demasiado grande ({size}); o máximo é {limit}",
    kind: "ficheiros deste tipo não são aceites",
    empty: "o ficheiro está vazio",
    many: "Uma mensagem leva no máximo {n} ficheiros. Envie os restantes com outra.",
    wait: "Ainda há ficheiros a caminho. Aguarde um momento ou cancele-os.",
    list: "Ficheiros a enviar",
    files: "Ficheiros",
    download: "Descarregar {name}",
    held: "retido: não verificado contra vírus",
    broken: "retido até a verificação de vírus voltar a funcionar",
  },
};

export const filled = (text: string, vars: Record<string, string | number>) => text.replace(/\{(\w+)\}/g, (whole, name: string) => String(vars[name] ?? whole));
