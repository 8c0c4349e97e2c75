package classify

// latinProfiles were written by hand: what anybody who reads the language
// would name first. Order breaks ties.
var latinProfiles = []struct {
	lang string
	profile
}{
	{"en", profile{
		common:  `the of and to in is it you that he was for on are with as i his they be at one have this from or had by not but what all were we when your can said there use an each which she do how their if will up other about out many then them these so some her would make like him into time has look two more write go see number no way could people my than first been call who its now find down did get come made may part any need please want know why where help still should does just me am us our account because after before between tell show set weather what's don't can't i'm`,
		endings: `ing tion ed ly ness ment ould ght ble ers`, pieces: `th wh ght ck ow_ ea oo sh ay_ ey_ _wh _kn`, letters: ``}},
	{"de", profile{
		common:  `der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat dass sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur bis mehr durch man sein wurde sei ich wir ihr mich mir uns euch kann können bitte was wo wann warum wer welche keine kein schon wenn dann hier doch mal heute morgen gibt habe muss möchte unser unsere unserem mein meine meinen danke vielen hallo stell stelle zeig zeige erinnere lösche setze spiel spiele für wetter uhr immer beim ins geht`,
		endings: `ung en keit heit lich isch chen ieren tet ern eit`, pieces: `sch ch_ ei ie_ tz cht _ge _ver _be zu_ ng_ äu eu`, letters: `äöüß`}},
	{"fr", profile{
		common:  `le la les de des et un une du en à est que qui dans pour pas sur ce se il ne plus par je avec tout au aux son sa ses nous vous ils elle on mais comme ou si leur y être cette ces bien où sans peut ont était sont fait faire deux même aussi moi mon ma mes votre vos notre nos quel quelle quels comment pourquoi quand merci bonjour avoir ai as avez avons suis êtes sommes d' l' j' c' n' s' m' t' qu' jour très encore toujours depuis quelles ça mets météo rappelle montre donne pouvez`,
		endings: `ment tion eur eux aient ez ique ais aux eau oir`, pieces: `ou oi eau _qu que_ ai ez_ es_ ent_ eu`, letters: `éèêçàùûîôœëï`}},
	{"es", profile{
		common:  `el la de que y a en un ser se no haber por con su para como estar tener le lo todo pero más hacer o poder decir este ir otro ese si me ya ver porque dar cuando él muy sin vez mucho saber qué sobre mi alguno mismo yo también hasta año dos querer entre así primero desde grande eso ni nos llegar los las del al una es son está están fue ha hay tiene tienen puede pueden cómo cuándo dónde quién cuál nuestro nuestra nuestros mis sus tu te les gracias hola buenos días necesito quiero favor era estos estas esta será pon dime hoy mañana recuérdame muestra clima`,
		endings: `ción ado ando iendo dad mente aron ieron amos ito ones`, pieces: `ll ñ ue ie_ _qu _es os_ as_ ción`, letters: `ñ¿¡áéíóú`}},
	{"pt", profile{
		common:  `o a de que e do da em um para é com não uma os no se na por mais as dos como mas foi ao ele das tem à seu sua ou ser quando muito há nos já está eu também só pelo pela até isso ela entre era depois sem mesmo aos ter seus quem nas me esse eles estão você tinha foram essa num nem suas meu às minha têm numa pelos elas havia seja qual será nós tenho lhe deles essas esses pelas este fosse nosso nossa nossos quanto onde vocês obrigado obrigada olá bom dia preciso quero pode podem são sobre fazer ainda agora porquê quais`,
		endings: `ção ões ado ando endo dade mente aram eiro inho agem`, pieces: `ão nh lh ção õe ei ou_ _qu em_ ém`, letters: `ãõçâêôáéíóúà`}},
	{"it", profile{
		common:  `di che e la il un a per in una mi sono ho ma lo ha le si ti i con cosa se io come da ci no questo qui hai sei del bene tu sì me più al mio perché lei solo te era gli tutto della così mia ne questa fare quando ora fatto essere so mai chi o alla tutti molto dei anche detto quello va niente grazie lui voglio abbiamo stato nel suo dove posso oh prima allora siamo poi delle degli dalla nella sul sulla sulle nostro nostra quale quali ancora puoi può è c' l' un' dell' nell' all' ciao buongiorno viene sua loro tra fra dopo meteo oggi domani ricordami mostra`,
		endings: `zione mente ato are ere ità ono ando endo ella ezza`, pieces: `gli zz cch tt ll _che io_ to_ ne_ tà`, letters: `àèìòù`}},
	{"nl", profile{
		common:  `de het een en van ik te dat die in is je niet zijn op aan met als voor had er maar om hem dan zou of wat mijn men dit zo door over ze zich bij ook tot mij uit der daar haar naar heb hoe heeft hebben deze u want nog zal me zij nu ge geen omdat iets worden toch al waren veel meer doen toen moet ben zonder kan hun dus alles onder ja eens hier wie werd altijd doch wordt wezen kunnen ons zelf tegen na reeds wil kon niets uw iemand geweest andere waar wanneer waarom welke jullie onze bedankt alstublieft graag goedemorgen hallo wekker zet toon vandaag morgen weer laat herinner`,
		endings: `ijk ing heid en lijk aar eerd elijk tie`, pieces: `ij aa ee oo sch _ge oe ui uu ou aan_ een_ cht`, letters: `ĳ`}},
	{"da", profile{
		common:  `og i at det er en på til af den for der med de som har ikke et han jeg vi du kan var fra om sig men eller hun hvad skal blev vil ved over efter når mange hvor være mig dig hvis kun også op ud hvordan hvorfor hvornår nogle noget meget min mit mine din dit vores jeres deres havde blive bliver være mellem denne dette disse siden alle andre år tak hej gerne hvilke måske ind to end man så nu her været hvem giv vis sæt fjern påmind vejret dag morgen alarmer`,
		endings: `erne else ede ende lig hed tion ene`, pieces: `øj æ af_ _hv ej_ eg_ ige_ kk gn ør ække`, letters: `æøå`}},
	{"sv", profile{
		common:  `och i att det som en på är av för med den till inte har de ett jag om han vi så men var sig från kan hon när ut man nu skulle eller där hade upp vad efter vid ska alla hur mig över då också än här mycket bara oss in blev någon något mina min mitt din ditt våra vår deras varför vilken vilka tack hej snälla måste finns mot bli blir varit under mellan andra år två denna detta dessa kunna vill vara hans hennes ställ visa idag imorgon väder påminn alarm`,
		endings: `erna ning ade ande lig het ion arna orna`, pieces: `ä ö ck sj tj _sk ög är_ ör_ och`, letters: `äöå`}},
	{"no", profile{
		common:  `og i det er på en til som at for av med den har ikke jeg de et han var om vi fra kan du men så seg ble eller hun hva skal vil ved over etter når mange hvor være meg deg hvis bare også opp ut hvordan hvorfor noen noe mye min mitt mine din ditt vår vårt deres hadde bli blir mellom denne dette disse siden alle andre år takk hei gjerne hvilke kanskje inn to enn man nå her vært hvem da dere ikkje eg ein eit korleis kva gi vis sett fjern været dag morgen`,
		endings: `ene else ede ende lig het sjon ene asjon`, pieces: `øy æ av_ _hv ei øre sjon _kj _gj kk ette`, letters: `æøå`}},
	{"fi", profile{
		common:  `ja on ei se että hän oli en mutta kun niin ole mitä minä tämä sitä sinä olen jos kuin nyt hänen te vain me mukaan kanssa joka mikä missä milloin miksi miten kuka voi voin voiko kiitos hei ovat olla siitä tai myös vielä sen ne joka jotka kaikki ennen jälkeen sekä`,
		endings: `ssa ssä lla llä sta stä lta ltä nen ksi tta ään een iin`, pieces: `aa ää ii uu yy ll ss kk tt uo yö äi`, letters: `äö`}},
	{"pl", profile{
		common:  `i w na nie to z się do jest że o jak za co po tak ale od ja ty on tylko czy przez dla był była było być może już są tego jego jej który która które gdzie kiedy dlaczego kto mnie mi ci pan pani mój moja nasz nasze dziękuję proszę dzień dobry chcę mamy mam ma lub oraz przy bardzo ich jeszcze ten ta te`,
		endings: `ego ymi ych ości anie enie owa ski cja ować`, pieces: `sz cz rz szcz _prz ie_ dz ch_ ow`, letters: `ąćęłńóśźż`}},
	{"cs", profile{
		common:  `a se v na je to že s z do o i jak ale za by jsem si po jako co tak od když jeho jsou už bylo byl byla být který která které kde kdy proč kdo mě mi náš naše děkuji prosím dobrý den chci máme mám nebo také jen ještě než podle`,
		endings: `ého ých ství ost ení ování ský`, pieces: `ř ů ě _př ch_ ou_ ní_`, letters: `ěščřžýáíéúůťďň`}},
	{"tr", profile{
		common:  `bir ve bu da de için ne çok ile o ben mı mi mu mü var daha gibi ama sen ki kadar olarak değil en olan nasıl neden niçin zaman nerede kim hangi şey sonra bana beni bizim sizin teşekkürler lütfen merhaba istiyorum evet hayır her şu yok biz siz onlar ise olduğu veya hava alarm kur göster bugün yarın`,
		endings: `lar ler dır dir ını ini ların lerin iyor yor mak mek eyim ması mesi acak ecek`, pieces: `ı ğ ş ü _ya ar_ er_ lık ım_`, letters: `ığşçöü`}},
	{"ro", profile{
		common:  `și în de la a cu nu pe o un să este sunt că se din mai ce pentru care al ai am au fi fost cum când unde cine ne dar sau acest această ale lui ei mulțumesc vă rog bună ziua vreau avem are după până fără foarte`,
		endings: `ului ilor ție area ești ează`, pieces: `ă ș ț ul_ ea_ _în`, letters: `ășțâî`}},
	{"hu", profile{
		common:  `a az és hogy nem is egy meg ez de van volt csak mint már még ha én el te ki mi kell lehet vagy azt ezt hol mikor miért hogyan köszönöm kérem jó napot szeretnék vannak minden után mert nagyon`,
		endings: `ság ség ban ben nak nek hoz ból ről kat ket`, pieces: `gy sz ny ly cs zs ek_ ak_`, letters: `őűáéíóöúü`}},
	{"id", profile{
		common:  `yang dan di itu dengan untuk tidak ini dari dalam akan pada juga saya ke karena tersebut bisa ada mereka lebih kami kita sudah atau saat oleh menjadi apa bagaimana kapan mengapa siapa dimana anda terima kasih tolong mohon belum telah sebagai adalah seperti bahwa hari besok cuaca tampilkan alarm atur`,
		endings: `kan nya ang asi annya`, pieces: `ng_ _me _ber _di _pe an_ ah_`, letters: ``}},
	{"ca", profile{
		common:  `de la que i a el en un una els les per amb no és és del al com més però si es va són ha aquest aquesta quan on qui què perquè meu nostra gràcies bon dia vull tenim pot també dels ser hi fins sobre`,
		endings: `ció tat ment itat esa`, pieces: `ny l·l ix ig_ tz aç`, letters: `çàèòï·`}},
}
